"""Compounds: `Schraube` also finds `Terrassenschrauben`, and that finds `Schrauben für Terrassen`.

German, Dutch and the Nordic languages write such names as one word, which the lexical leg takes for
another word. The catalogue's own words say which compounds there are; no dictionary is needed.
"""

from __future__ import annotations

from collections.abc import Iterator

from es_hybrid.understanding.common_words import is_common
from es_hybrid.understanding.vocabulary import Vocabulary, words_of, written_out

# Languages whose compounds are one word.
_LANGUAGES = frozenset(["da", "de", "nl", "no", "sv"])
# Letters of a word that may be part of a compound. `ring` is the end of many other words.
_MIN_PART = 5
# Letters of the other part.
_MIN_REST = 3
# Endings that a word may have as the end of a compound, and that join two parts.
_ENDINGS = ("", "n", "en", "e", "s", "er")
_JOINTS = ("", "s", "n", "en", "e", "es", "er")
# Powers of ten of a word's uses in a billion words: those of a common word, and of one that belongs
# to a language although English has it, such as `Kinder`.
_COMMON, _COMMON_HERE = 3.0, 4.5
# Compounds of a word that are searched, those in most products first, and forms of a query in all.
_MAX_COMPOUNDS = 4
_MAX_FORMS = 6


def has_compounds(vocabulary: Vocabulary) -> bool:
    """Whether the catalogue has a language that writes compounds as one word."""
    return not vocabulary.languages.isdisjoint(_LANGUAGES)


def compound_forms(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The query with compounds of its words, and with the parts of its compounds; at most six.

    Args:
        text: The cleaned query.
    """
    languages = vocabulary.languages & _LANGUAGES
    forms: dict[str, None] = {}
    for word in words_of(text):
        if word["number"] is None and _may_join(word[0].lower(), languages):
            for other in (*_parts(word[0], vocabulary), *_compounds(word[0], vocabulary)):
                forms[text[: word.start()] + other + text[word.end() :]] = None
    return tuple(forms)[:_MAX_FORMS]


def _may_join(word: str, languages: frozenset[str]) -> bool:
    """Whether it is long enough, and not English: `phone` has no compounds but other words."""
    return len(word) >= _MIN_PART and (
        not is_common(word, "en", least=_COMMON)
        or any(is_common(word, language, least=_COMMON_HERE) for language in languages)
    )


def _compounds(word: str, vocabulary: Vocabulary) -> list[str]:
    """The most used words that end with this one, in any of its forms."""
    plain = written_out(word)
    stems = {plain, *(plain[: -len(ending)] for ending in _ENDINGS[1:] if plain.endswith(ending))}
    found = {
        compound
        for stem in stems
        if len(stem) >= _MIN_PART
        for ending in _ENDINGS
        for compound in vocabulary.ending_with(stem + ending)
        if len(compound) >= len(stem) + _MIN_REST
    }
    return sorted(found, key=lambda each: (-vocabulary.counts[each], each))[:_MAX_COMPOUNDS]


def _parts(word: str, vocabulary: Vocabulary) -> Iterator[str]:
    """The two words that make up this one, if the catalogue uses both: at most one pair."""
    counts, word = vocabulary.counts, word.lower()
    pairs = []
    for place in range(_MIN_PART - 1, len(word) - _MIN_PART + 2):
        end = word[place:]
        for joint in _JOINTS:
            start = word[:place].removesuffix(joint) if joint else word[:place]
            if len(start) >= _MIN_PART - 1 and word[:place] == start + joint:
                used = min(counts.get(start, 0), counts.get(end, 0))
                pairs.append((used, f"{start} {end}"))
    used, pair = max(pairs, default=(0, ""))
    if used:
        yield pair
