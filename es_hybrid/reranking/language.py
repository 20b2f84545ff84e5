"""Whether a reranker knows the languages that a query and its candidates are in.

A model scores a language it never learned like any other, and the order that comes out is worse
than the one that went in.

No identifier tells the language of two words. But the candidates are long enough to tell theirs,
and a query whose words stand in them is in the same language, or is a brand, or is a word that
both have. Only what is left is asked of an identifier. That a query is in a language of the model
it is believed from three words on; that it is not, on a few Latin words only where the model has no
other language in Latin letters. Of 68 shop queries over an English catalogue, 63 count as English,
and 24 of 25 that say in a sentence what is wanted. Of the translations of the 68 into Chinese 6 do
and into Japanese 5, all of them names such as iPad; into German, French and Spanish 28, 22 and 22,
where words are shared; of 16 sentences in German and French none. The test of this module counts
them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence, Set

from es_hybrid.language import LANGUAGES, detect

__all__ = ["misfit"]

_OTHER_SCRIPTS = frozenset(
    ["ar", "bg", "el", "fa", "he", "hi", "ja", "ko", "ru", "th", "uk", "zh"]
)  # fmt: skip
_ENOUGH = 6  # words the identifier may be believed on
_SENTENCE = 3  # words on which it is believed that they are in a language of the model
_DOCUMENTS = 12  # that are looked at, in about two milliseconds
# A letter by itself is a size or half of `men's`; a Han sign by itself is a word.
_WORD = re.compile(r"[^\W\d_]{2,}|[^\W\d_A-Za-z]")
_SHARED = 0.5  # of a query's words: more of them in the candidates, and the language is theirs


def misfit(
    languages: Set[str], query: str, documents: Sequence[str], langs: Sequence[str] = ()
) -> str | None:
    """Why a reranker should not score these documents, or None where it may.

    Args:
        languages: What it is good for, as `Reranker.languages`; empty: any.
        query: The user's words.
        documents: The candidates' texts; what most of them are in counts.
        langs: What they say they are in themselves, `en` or `zh-CN`, empty where they do not. Most
            saying so, no identifier is asked.

    Returns:
        Such as `the model is for en, this query looks like zh`.
    """
    if not languages or not documents:
        return None
    known = ", ".join(sorted(languages))
    theirs = _told(langs) or _language_of(documents)
    if theirs and theirs not in languages:
        return f"the model is for {known}, these products look like {theirs}"
    if _shares_words(query, documents):
        return None
    if len(_WORD.findall(query)) >= _SENTENCE and detect(query) in languages:
        return None
    own = detect(query, LANGUAGES - {theirs})
    if not own or own in languages or _may_be_latin(query, languages - {theirs}):
        return None
    return f"the model is for {known}, this query looks like {own}"


def _may_be_latin(query: str, languages: Set[str]) -> bool:
    """Whether a few Latin words could be in one of these languages: benefit of the doubt."""
    words = _WORD.findall(query)
    latin = all("LATIN" in unicodedata.name(word[0], "") for word in words)
    return latin and len(words) < _ENOUGH and bool(languages - _OTHER_SCRIPTS)


def _told(langs: Sequence[str]) -> str:
    """What most of the candidates say they are in, where more than half say a known one."""
    tags = [re.split("[-_]", lang, maxsplit=1)[0].lower() for lang in langs]
    known = Counter(tag for tag in tags if tag in LANGUAGES)
    return known.most_common(1)[0][0] if 2 * known.total() > len(tags) else ""


def _language_of(documents: Sequence[str]) -> str:
    """The most frequent language of a sample."""
    step = max(1, len(documents) // _DOCUMENTS)
    found = Counter(filter(None, (detect(text) for text in documents[::step])))
    return found.most_common(1)[0][0] if found else ""


def _shares_words(query: str, documents: Sequence[str]) -> bool:
    words = set(_WORD.findall(query.casefold()))
    missing = set(words)
    for text in documents:
        missing.difference_update(_WORD.findall(text.casefold()))
    return len(missing) < (1 - _SHARED) * len(words) or not words
