"""Checks whether a reranker supports the languages of a query and its documents.

A model also scores languages it was not trained for, but the resulting order is worse than the
original one.

No identifier recognises the language of two words. The documents are long enough, and a query whose
words occur in them is in the same language, a brand, or a word both languages share. The identifier
decides about the remaining queries. It needs three words to be trusted on a supported language. It
may reject a short Latin query only if the model supports no other language in Latin script.

The test of this module measures this over an English catalogue: 63 of 68 shop queries count as
English, and 24 of 25 full sentences. Of the translated queries, 6 Chinese and 5 Japanese ones count
as English, all of them names such as iPad, and 28 German, 22 French and 22 Spanish ones, because of
shared words. None of 16 German and French sentences does.
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
_ENOUGH = 6  # minimum number of words for a reliable result of the identifier
_SENTENCE = 3  # minimum number of words to trust it on a supported language
_DOCUMENTS = 12  # sample size; takes about two milliseconds
# A single letter is a size or part of `men's`; a single Han character is a word.
_WORD = re.compile(r"[^\W\d_]{2,}|[^\W\d_A-Za-z]")
_SHARED = 0.5  # share of the query words in the documents that settles the language
# Characters read of the query, of a document, and of all documents together: about 10 ms.
_QUERY_CHARS, _DOCUMENT_CHARS, _ALL_CHARS = 1000, 2000, 200_000


def misfit(
    languages: Set[str], query: str, documents: Sequence[str], langs: Sequence[str] = ()
) -> str | None:
    """Why a reranker should not score these documents, or None if it may.

    Args:
        languages: Supported languages, as `Reranker.languages`; empty: any.
        query: The user's query.
        documents: The documents to score; the language of most of them counts.
        langs: Language tags of the documents, e.g. `en` or `zh-CN`, empty where unknown. If more
            than half have one, no language is detected.

    Returns:
        For example `the model is for en, this query looks like zh`.
    """
    if not languages or not documents:
        return None
    query = query[:_QUERY_CHARS]
    known = ", ".join(sorted(languages))
    theirs = _tagged(langs) or _language_of(documents)
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
    """Whether this is a short Latin query that could be in one of these languages."""
    words = _WORD.findall(query)
    latin = all("LATIN" in unicodedata.name(word[0], "") for word in words)
    return latin and len(words) < _ENOUGH and bool(languages - _OTHER_SCRIPTS)


def _tagged(langs: Sequence[str]) -> str:
    """The most frequent language tag, if more than half of the tags are known."""
    tags = [re.split("[-_]", lang, maxsplit=1)[0].lower() for lang in langs]
    known = Counter(tag for tag in tags if tag in LANGUAGES)
    return known.most_common(1)[0][0] if 2 * known.total() > len(tags) else ""


def _language_of(documents: Sequence[str]) -> str:
    """The most frequent language in a sample of the documents."""
    step = max(1, len(documents) // _DOCUMENTS)
    found = Counter(filter(None, (detect(text) for text in documents[::step])))
    return found.most_common(1)[0][0] if found else ""


def _shares_words(query: str, documents: Sequence[str]) -> bool:
    words = set(_WORD.findall(query.casefold()))
    missing, left = set(words), _ALL_CHARS
    for text in documents:
        text = text[: min(_DOCUMENT_CHARS, left)]
        left -= len(text)
        missing.difference_update(_WORD.findall(text.casefold()))
        if left == 0 or len(missing) < (1 - _SHARED) * len(words):
            break
    return len(missing) < (1 - _SHARED) * len(words) or not words
