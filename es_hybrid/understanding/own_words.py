"""Whether a query would share words with the products it asks for."""

from __future__ import annotations

import re

from es_hybrid.understanding.common_words import COMPOUNDING, SHOPPERS, is_common_in
from es_hybrid.understanding.plain import UNSPACED, UNSPACED_LANGUAGES
from es_hybrid.understanding.vocabulary import Vocabulary, words_of

# Words that carry a meaning. A whole sentence says the same in words of its own.
_MAX_WORDS = 3
# Characters in a script without spaces, where two or three make a word.
_MAX_CHARS = 4
_MIN_PART = 3
# Powers of ten of a word's uses in a billion words: those of a common word, of part of a compound,
# and of a word that carries no meaning, such as `for`.
_COMMON, _COMMON_PART, _EMPTY = 3.0, 3.5, 5.9


def in_own_words(text: str, vocabulary: Vocabulary) -> bool:
    """Whether a query consists of a few words, in a language of the catalogue or in none.

    Translations and sentences may share no word with a product that is meant; a name of goods in
    the catalogue's own language does. What is no word of any language is not excused, either.

    Args:
        text: The cleaned query.
    """
    if unspaced := re.findall(f"[{UNSPACED}]", text):
        own = not UNSPACED_LANGUAGES.isdisjoint(vocabulary.languages)
        return own and len(unspaced) <= _MAX_CHARS
    words = [word["letters"].lower() for word in words_of(text)]
    meant = [w for w in words if not is_common_in(vocabulary.languages, w, least=_EMPTY)]
    foreign = any(_is_foreign(word, vocabulary) for word in meant)
    return 0 < len(meant) <= _MAX_WORDS and not foreign


def _is_foreign(word: str, vocabulary: Vocabulary) -> bool:
    """Whether a word belongs to another language than the catalogue's."""
    if word in vocabulary or is_common_in(vocabulary.languages, word, least=_COMMON):
        return False
    others = SHOPPERS - vocabulary.languages
    return (
        not word.isascii()
        or is_common_in(others, word, least=_COMMON)
        or any(_is_compound(word, language) for language in COMPOUNDING & others)
    )


def _is_compound(word: str, language: str) -> bool:
    """Whether two common words make up this one: `Kameratasche`."""
    places = range(_MIN_PART, len(word) - _MIN_PART + 1)
    return any(
        is_common_in((language,), word[:place], least=_COMMON_PART)
        and is_common_in((language,), word[place:], least=_COMMON_PART)
        for place in places
    )
