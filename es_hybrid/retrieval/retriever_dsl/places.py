"""The places of a search body where Elasticsearch reads a query.

A body is walked by them, so that a field, a parameter of a script or a document that happens to be
called `knn` or `rule` is never taken for a query.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

# Any other name in an object.
_ANY = "*"
_AGGREGATIONS = {"aggs": "aggregations", "aggregations": "aggregations"}
_NESTED = {"query": "query"}
_REORDERING = {"retriever": "retriever", "filter": "query", "rescore": "rescore"}
_FUSING = {"retrievers": "retriever", "filter": "query"}
# Kind of object -> name in it -> kind of the object, or of each of the list, that is found there.
_PLACES: Mapping[str, Mapping[str, str]] = {
    "body": {
        "query": "query", "post_filter": "query", "knn": "knn", "rescore": "rescore",
        "retriever": "retriever", "highlight": "highlight", **_AGGREGATIONS,
    },
    "query": {
        "bool": "bool", "boosting": "boosting", "constant_score": "filtered", "dis_max": "dis_max",
        "function_score": "function_score", "script_score": "nested", "nested": "nested",
        "has_child": "nested", "has_parent": "nested", "pinned": "organic", "rule": "organic",
        "rule_query": "organic", "knn": "knn",
    },
    "bool": {"must": "query", "filter": "query", "should": "query", "must_not": "query"},
    "boosting": {"positive": "query", "negative": "query"},
    "dis_max": {"queries": "query"},
    "function_score": {"query": "query", "functions": "filtered"},
    "nested": _NESTED,
    "organic": {"organic": "query"},
    "filtered": {"filter": "query"},
    "knn": {"filter": "query"},
    "rescore": {"query": "rescore_query"},
    "rescore_query": {"rescore_query": "query"},
    "highlight": {"highlight_query": "query", "fields": "highlighted"},
    "highlighted": {_ANY: "highlight"},
    "aggregations": {_ANY: "aggregation"},
    "aggregation": {
        "filter": "query", "filters": "filters", "adjacency_matrix": "filters",
        "significant_terms": "significant", "significant_text": "significant", **_AGGREGATIONS,
    },
    "significant": {"background_filter": "query"},
    "filters": {"filters": "queries"},
    "queries": {_ANY: "query"},
    "retriever": {
        "standard": "standard", "knn": "filtered", "rrf": "fusing", "linear": "fusing",
        "text_similarity_reranker": "reordering", "pinned": "reordering", "rescorer": "reordering",
        "diversify": "reordering", "random_reranker": "reordering", "rule": "reordering",
        "retriever": "retriever",  # with the weight of a component next to it
    },
    "standard": {"query": "query", "filter": "query"},
    "fusing": _FUSING,
    "reordering": _REORDERING,
}  # fmt: skip


def objects(body: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str]]:
    """Every object of a body that is, or may contain, a query, with its kind."""
    waiting: list[tuple[Any, str]] = [(body, "body")]
    while waiting:
        value, kind = waiting.pop()
        if isinstance(value, list):
            waiting += [(each, "query" if kind == "queries" else kind) for each in value]
        elif isinstance(value, Mapping):
            yield value, kind
            waiting += [(part, below) for _, part, below in places(value, kind)]


def places(value: Mapping[str, Any], kind: str) -> Iterator[tuple[str, Any, str]]:
    """Name, value and kind of the parts of an object that may contain a query."""
    places = _PLACES[kind]
    for name, part in value.items():
        if (below := places.get(name, places.get(_ANY))) is not None:
            yield name, part, below
