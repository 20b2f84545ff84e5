"""The shop's BM25 query, as a pure function.

The shopper's text is only ever a value of `combined_fields`, `multi_match` or `term`: no character
of it is syntax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Clause name of hits whose SKU or GTIN equals the whole query.
IDENTIFIER = "identifier"
# Above any BM25 score.
IDENTIFIER_BOOST = 1000

# Boost of a fuzzy match relative to an exact one.
FUZZY_BOOST = 0.1

ANY_WORD = "1"


def lexical_query(
    text: str,
    *,
    field_groups: Sequence[Sequence[str]],
    identifier_fields: Sequence[str],
    minimum_should_match: str,
    phrase_boost: float = 0.0,
    fuzziness: str = "",
    forms: Sequence[str] = (),
    preferred: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The BM25 query: enough of the words, in any of the fields.

    Args:
        field_groups: Groups of fields with the same analyzer, with boosts: `title^2`. The fields
            of a group are scored as one field (BM25F: Robertson, Zaragoza 2009); the best group
            counts.
        identifier_fields: Keyword fields. A document whose value equals the whole text, ignoring
            case, ranks far above all others and has the clause name `IDENTIFIER`.
        minimum_should_match: How many of the words a group must contain, in Elasticsearch's form.
        phrase_boost: Boost for the words as a phrase in one field. It adds no matches.
        fuzziness: `AUTO`, `1` or `2` letters by which a word may differ; empty: exact only.
        forms: Other forms of the text; of all forms the best one counts.
        preferred: Clauses that add to the score of what is found. They add no matches.
    """
    words = [
        _words(form, group, minimum_should_match)
        for form in (text, *forms)
        for group in field_groups
    ]
    if fuzziness:
        words += [_fuzzy(text, group, minimum_should_match, fuzziness) for group in field_groups]
    found = {"dis_max": {"queries": words}} if len(words) > 1 else words[0]
    adding = list(preferred)
    if phrase_boost:
        adding += [_phrase(text, group, phrase_boost) for group in field_groups]
    if adding:
        found = {"bool": {"must": [found], "should": adding}}
    should = [found]
    if identifier_fields:
        should.append(_identifier(text.strip(), identifier_fields))
    return {"bool": {"should": should, "minimum_should_match": 1}}


def field_groups(fields: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The fields, followed by their sub-fields for each language of the index.

    >>> field_groups(["title^2", "brand.text"], ["en"])
    [['title^2', 'brand.text'], ['title.en^2', 'brand.en']]
    """
    return [list(fields), *([_in_language(f, lang) for f in fields] for lang in languages)]


def _words(text: str, fields: Sequence[str], minimum_should_match: str) -> dict[str, Any]:
    return {
        "combined_fields": {
            "query": text,
            "fields": list(fields),
            "minimum_should_match": minimum_should_match,
        }
    }


def _fuzzy(
    text: str, fields: Sequence[str], minimum_should_match: str, fuzziness: str
) -> dict[str, Any]:
    """`combined_fields` does not support fuzziness, so the best single field counts here."""
    return {
        "multi_match": {
            "query": text,
            "fields": list(fields),
            "minimum_should_match": minimum_should_match,
            "fuzziness": fuzziness,
            "prefix_length": 1,
            "boost": FUZZY_BOOST,
        }
    }


def _phrase(text: str, fields: Sequence[str], boost: float) -> dict[str, Any]:
    return {
        "multi_match": {"query": text, "fields": list(fields), "type": "phrase", "boost": boost}
    }


def _identifier(text: str, fields: Sequence[str]) -> dict[str, Any]:
    """One clause with one name: of two clauses with the same name only the last is reported."""
    equal: list[Mapping[str, Any]] = [
        {"term": {field: {"value": text, "case_insensitive": True}}} for field in fields
    ]
    return {
        "constant_score": {
            "filter": {"bool": {"should": equal}},
            "boost": IDENTIFIER_BOOST,
            "_name": IDENTIFIER,
        }
    }


def _in_language(field: str, language: str) -> str:
    name, caret, boost = field.partition("^")
    return f"{name.removesuffix('.text')}.{language}{caret}{boost}"
