"""The shop's BM25 query, as a pure function.

The shopper's text is only ever a value of `combined_fields`, `multi_match` or `term`, and a regular
expression contains only its letters and digits: no character of it is syntax.
"""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import islice
from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.understanding.identifiers import Identifier, identifier_of
from es_hybrid.understanding.plain import UNSPACED

# Clause names of hits whose SKU or GTIN is the whole query: equal to it, and with other separators.
IDENTIFIER = "identifier"
RESPELLED = "identifier with other separators"

# All above any BM25 score.
_EXACT_BOOST = 1000
_RESPELLED_BOOST = 900
_START_BOOST = 800
_END_BOOST = 700

ANY_WORD = "1"

# Clauses of one query at most: words x fields, for each form and for the phrase. Elasticsearch
# refuses a search with more than 64 x heap in MB / search threads; that is 2,621 for 1 GB on 16
# cores.
_MAX_CLAUSES = 2500
# Analyzers make each letter of a script without spaces a word, or two overlapping ones.
_WORD = re.compile(rf"[{UNSPACED}]|(?:(?![{UNSPACED}])\w)+")


def lexical_query(
    text: str,
    *,
    field_groups: Sequence[Sequence[str]],
    identifier_fields: Sequence[str],
    gtin_fields: Container[str] = (),
    patterns: bool = True,
    minimum_should_match: str,
    phrase_boost: float = 0.0,
    forms: Sequence[str] = (),
    typed: str = "",
    preferred: Sequence[Clause] = (),
) -> dict[str, Any]:
    """The BM25 query: enough of the words, in any of the fields.

    A long text loses its other forms, then its phrase, then its last words, so that Elasticsearch
    does not refuse it for its number of clauses.

    Args:
        field_groups: Groups of fields with the same analyzer, with boosts: `title^2`. The fields
            of a group are scored as one field (BM25F: Robertson, Zaragoza 2009); the best group
            counts.
        identifier_fields: Keyword fields. A document whose value equals the whole text, ignoring
            case, labels and the zeros before a GTIN, ranks far above all others and has the clause
            name `IDENTIFIER`.
        gtin_fields: Those of them whose values are digits.
        patterns: Whether these fields may be searched by regular expressions. If the text is a
            trade number, documents follow whose value equals it but for separators (clause name
            `RESPELLED`), starts with it or ends with it.
        minimum_should_match: How many of the words a group must contain, in Elasticsearch's form.
        phrase_boost: Boost for the words as a phrase in one field. It adds no matches.
        forms: Other forms of the text; of all forms the best one counts.
        typed: What may be a trade number, if it is not the text.
        preferred: Clauses that add to the score of what is found. They add no matches.
    """
    fields = sum(map(len, field_groups))
    number = (typed or text).strip()
    text, word_count = _cut(text, max(1, _MAX_CLAUSES // fields))
    copies = _MAX_CLAUSES // (fields * max(1, word_count))
    words = [
        _words(form, group, minimum_should_match)
        for form in (text, *forms)[: max(1, copies - 1)]
        for group in field_groups
    ]
    found = {"dis_max": {"queries": words}} if len(words) > 1 else words[0]
    adding = list(preferred)
    if phrase_boost and copies > 1:
        adding += [_phrase(text, group, phrase_boost) for group in field_groups]
    if adding:
        found = {"bool": {"must": [found], "should": adding}}
    should = [found]
    if identifier_fields:
        should.append(_identified(number, identifier_fields, gtin_fields, patterns))
    return {"bool": {"should": should, "minimum_should_match": 1}}


def field_groups(fields: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The fields, followed by their sub-fields for each language of the index.

    >>> field_groups(["title^2", "brand.text"], ["en"])
    [['title^2', 'brand.text'], ['title.en^2', 'brand.en']]
    """
    return [list(fields), *([_in_language(f, lang) for f in fields] for lang in languages)]


def _cut(text: str, most: int) -> tuple[str, int]:
    """The first words of a text, at most so many, and their number."""
    found = list(islice(_WORD.finditer(text), most + 1))
    if len(found) <= most:
        return text, len(found)
    return text[: found[most].start()].rstrip(), most


def _words(text: str, fields: Sequence[str], minimum_should_match: str) -> dict[str, Any]:
    return {
        "combined_fields": {
            "query": text,
            "fields": list(fields),
            "minimum_should_match": minimum_should_match,
        }
    }


def _phrase(text: str, fields: Sequence[str], boost: float) -> dict[str, Any]:
    return {
        "multi_match": {"query": text, "fields": list(fields), "type": "phrase", "boost": boost}
    }


def asks_for_patterns(text: str) -> bool:
    """Whether `lexical_query` makes regular expressions for a text."""
    number = identifier_of(text)
    return number is not None and bool(number.key)


def _identified(
    text: str, fields: Sequence[str], gtin_fields: Container[str], patterns: bool
) -> dict[str, Any]:
    """Documents by their number; the best tier counts."""
    number = identifier_of(text)
    tiers = [_tier(_equal(text, number, fields), _EXACT_BOOST, IDENTIFIER)]
    if number is not None and number.key and patterns:
        if not number.key.isdigit():
            fields = [field for field in fields if field not in gtin_fields]
        tiers += _like(number, fields) if fields else []
    return {"dis_max": {"queries": tiers}} if len(tiers) > 1 else tiers[0]


def _tier(clauses: Sequence[Clause], boost: int, name: str = "") -> dict[str, Any]:
    """One clause with one name: of two clauses with the same name only the last is reported."""
    tier: dict[str, Any] = {"filter": {"bool": {"should": clauses}}, "boost": boost}
    return {"constant_score": tier | ({"_name": name} if name else {})}


def _equal(text: str, number: Identifier | None, fields: Sequence[str]) -> list[Clause]:
    values = [text] if number is None else list(dict.fromkeys([text, number.value]))
    clauses: list[Clause] = [
        {"term": {field: {"value": value, "case_insensitive": True}}}
        for value in values
        for field in fields
    ]
    if number is not None and number.gtins:
        clauses += [{"terms": {field: list(number.gtins)}} for field in fields]
    return clauses


def _like(number: Identifier, fields: Sequence[str]) -> list[dict[str, Any]]:
    """With other separators, or a part of the number: those are hits like others, but the first."""
    tiers = [_tier(_matching(number.pattern, fields), _RESPELLED_BOOST, RESPELLED)]
    if number.is_start:
        tiers.append(_tier(_matching(number.start_pattern, fields), _START_BOOST))
    if number.is_end:
        tiers.append(_tier(_matching(number.end_pattern, fields), _END_BOOST))
    return tiers


def _matching(pattern: str, fields: Sequence[str]) -> list[Clause]:
    return [{"regexp": {field: {"value": pattern, "case_insensitive": True}}} for field in fields]


def groups_in(names: Sequence[str], passport: Passport) -> list[list[str]]:
    """The text fields of an index for product fields or fields of its own, grouped by analyzer."""
    if passport.shop is None:
        return field_groups(names, passport.languages)
    return passport.shop.word_groups(names)


def as_written(names: Sequence[str], passport: Passport) -> list[str]:
    """The fields of `groups_in` that keep every word, without the analyzers of languages.

    Those drop words such as `no`, and confuse others: the French one gives `waterprof` and
    `waterproof` the same stem.
    """
    return list(names) if passport.shop is None else passport.shop.as_written(names)


def _in_language(field: str, language: str) -> str:
    name, caret, boost = field.partition("^")
    return f"{name.removesuffix('.text')}.{language}{caret}{boost}"
