"""The search bodies of the two legs, as pure functions.

The shopper's text stands in them only as a value of `combined_fields` and `term`: no character of
it is syntax.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# The name under which a hit says that the whole query is its SKU or GTIN.
IDENTIFIER = "identifier"
# Above any BM25 score.
IDENTIFIER_BOOST = 1000

# What both legs know of each other's hits, see `knn_body`.
BEYOND = "beyond_lexical"

# Buckets of a facet. Merging the legs' facets is exact while a field has no more values.
FACET_SIZE = 1000


def lexical_query(
    text: str,
    *,
    field_groups: Sequence[Sequence[str]],
    identifier_fields: Sequence[str],
    minimum_should_match: str,
    filters: Sequence[Mapping[str, Any]] = (),
) -> dict[str, Any]:
    """The BM25 query: enough of the words, in whichever fields they stand.

    Args:
        field_groups: Fields of one analyzer each, with boosts: `title^2`. Those of a group are
            scored as if they were one field (BM25F: Robertson, Zaragoza 2009); of the groups the
            best counts.
        identifier_fields: Keyword fields; a document whose value equals the whole text, whatever
            its case, stands far above all others and says so by the name `IDENTIFIER`.
        minimum_should_match: How many of the words a group must hold, in Elasticsearch's form.
        filters: Clauses that every hit matches and none is scored by.
    """
    by_analyzer = [
        {
            "combined_fields": {
                "query": text,
                "fields": list(group),
                "minimum_should_match": minimum_should_match,
            }
        }
        for group in field_groups
    ]
    words = {"dis_max": {"queries": by_analyzer}} if len(by_analyzer) > 1 else by_analyzer[0]
    should = [words]
    if identifier_fields:
        should.append(_identifier_clause(text.strip(), identifier_fields))
    query: dict[str, Any] = {"bool": {"should": should, "minimum_should_match": 1}}
    if filters:
        query["bool"]["filter"] = list(filters)
    return query


def _identifier_clause(text: str, fields: Sequence[str]) -> dict[str, Any]:
    """One clause with one name: of two with the same name only the last says that it matched."""
    equal = [{"term": {field: {"value": text, "case_insensitive": True}}} for field in fields]
    return {
        "constant_score": {
            "filter": {"bool": {"should": equal}},
            "boost": IDENTIFIER_BOOST,
            "_name": IDENTIFIER,
        }
    }


def field_groups(fields: Sequence[str], languages: Sequence[str]) -> list[list[str]]:
    """The fields, and after them their sub-fields of each language that the index has.

    >>> field_groups(["title^2", "brand.text"], ["en"])
    [['title^2', 'brand.text'], ['title.en^2', 'brand.en']]
    """
    return [list(fields), *([_in_language(f, lang) for f in fields] for lang in languages)]


def lexical_body(
    query: Mapping[str, Any],
    *,
    size: int,
    facets: Sequence[str] = (),
    source: Mapping[str, Any] | bool = True,
) -> dict[str, Any]:
    """The body of the lexical leg.

    Args:
        size: Hits asked for, 1 to 10,000.
        facets: Keyword fields counted over all matches.
    """
    body: dict[str, Any] = {
        "query": dict(query),
        "size": size,
        "track_total_hits": True,
        "_source": source,
    }
    if facets:
        body["aggs"] = _facet_aggregations(facets)
    return body


def knn_body(
    vector: Sequence[float],
    *,
    field: str,
    k: int,
    num_candidates: int,
    filters: Sequence[Mapping[str, Any]] = (),
    lexical: Mapping[str, Any] | None = None,
    facets: Sequence[str] = (),
    source: Mapping[str, Any] | bool = True,
) -> dict[str, Any]:
    """The body of the vector leg.

    Where the lexical leg's query is given, the body also counts those of the k nearest which that
    query does not match: with the lexical total and facets that makes the union's, in the same
    round trip and without searching the graph twice.

    Args:
        vector: `[dims]` numbers.
        k: Nearest neighbours over all shards, <= num_candidates.
        num_candidates: Neighbours looked at on each shard, <= 10,000.
        filters: Applied while the graph is walked, so that k neighbours are left.
    """
    knn: dict[str, Any] = {
        "field": field,
        "query_vector": vector,
        "k": k,
        "num_candidates": num_candidates,
    }
    if filters:
        knn["filter"] = list(filters)
    body: dict[str, Any] = {"knn": knn, "size": k, "_source": source}
    counted = _facet_aggregations(facets)
    if lexical is not None:
        beyond: dict[str, Any] = {"filter": {"bool": {"must_not": dict(lexical)}}}
        if counted:
            beyond["aggs"] = counted
        body["aggs"] = {BEYOND: beyond}
    elif counted:
        body["aggs"] = counted
    return body


def _in_language(field: str, language: str) -> str:
    name, caret, boost = field.partition("^")
    return f"{name.removesuffix('.text')}.{language}{caret}{boost}"


def _facet_aggregations(facets: Sequence[str]) -> dict[str, Any]:
    return {field: {"terms": {"field": field, "size": FACET_SIZE}} for field in facets}
