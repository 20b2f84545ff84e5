"""Which `knn` sections and queries of a body have a text to embed, and what replaces it."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.retriever_dsl.query_vectors import (
    Indispensable,
    has_query_texts,
    query_texts,
    with_query_vectors,
)

BUILDER = {"text_embedding": {"model_id": "any", "model_text": "red"}}
KNN: dict[str, Any] = {"field": "v", "k": 3, "query_vector_builder": BUILDER}
QUERY = {"knn": KNN}
BUILT = {"knn": {"field": "v", "k": 3, "query_vector": [1.0]}}
MATCH = {"match": {"title": "red"}}
NONE: dict[str, Any] = {"match_none": {}}

# The body with the query in each place where Elasticsearch reads one.
PLACES: dict[str, Any] = {
    "query": lambda q: {"query": q},
    "post_filter": lambda q: {"query": MATCH, "post_filter": q},
    "bool": lambda q: {"query": {"bool": {"must": [q], "filter": [MATCH]}}},
    "one object in a bool": lambda q: {"query": {"bool": {"filter": q}}},
    "must_not": lambda q: {"query": {"bool": {"must_not": [MATCH, q]}}},
    "boosting": lambda q: {"query": {"boosting": {"positive": q, "negative": MATCH}}},
    "constant_score": lambda q: {"query": {"constant_score": {"filter": q, "boost": 2}}},
    "dis_max": lambda q: {"query": {"dis_max": {"queries": [q]}}},
    "function_score": lambda q: {"query": {"function_score": {"query": q}}},
    "a function's filter": lambda q: {
        "query": {"function_score": {"functions": [{"filter": q, "weight": 2}]}}
    },
    "script_score": lambda q: {"query": {"script_score": {"query": q, "script": {}}}},
    "nested": lambda q: {"query": {"nested": {"path": "a", "query": q}}},
    "has_child": lambda q: {"query": {"has_child": {"type": "a", "query": q}}},
    "has_parent": lambda q: {"query": {"has_parent": {"parent_type": "a", "query": q}}},
    "pinned": lambda q: {"query": {"pinned": {"ids": ["1"], "organic": q}}},
    "deep": lambda q: {"query": {"bool": {"must": {"dis_max": {"queries": [{"nested": {
        "path": "a", "query": {"bool": {"should": [q]}}}}]}}}}},
    "a filter of another knn": lambda q: {"knn": [{"field": "w", "filter": [q]}]},
    "rescore": lambda q: {"query": MATCH, "rescore": [{"query": {"rescore_query": q}}]},
    "one rescore": lambda q: {"query": MATCH, "rescore": {"query": {"rescore_query": q}}},
    "filter aggregation": lambda q: {"aggs": {"a": {"filter": q}}},
    "below another": lambda q: {"aggregations": {"a": {"terms": {}, "aggs": {"b": {"filter": q}}}}},
    "filters aggregation": lambda q: {"aggs": {"a": {"filters": {"filters": {"x": q}}}}},
    "a list of filters": lambda q: {"aggs": {"a": {"filters": {"filters": [MATCH, q]}}}},
    "adjacency_matrix": lambda q: {"aggs": {"a": {"adjacency_matrix": {"filters": {"x": q}}}}},
    "background_filter": lambda q: {
        "aggs": {"a": {"significant_terms": {"field": "t", "background_filter": q}}}},
    "highlight_query": lambda q: {"query": MATCH, "highlight": {"highlight_query": q}},
    "a field's highlight_query": lambda q: {
        "highlight": {"fields": {"title": {"highlight_query": q}, "knn": {}}}},
    "standard": lambda q: {"retriever": {"standard": {"query": q}}},
    "a retriever's filter": lambda q: {"retriever": {"knn": {"field": "w", "filter": q}}},
    "fused": lambda q: {"retriever": {"rrf": {"retrievers": [{"standard": {"query": q}}]}}},
    "a component": lambda q: {
        "retriever": {"linear": {"retrievers": [{"retriever": {"standard": {"query": q}},
                                                 "weight": 2}]}}},
    "a rescorer": lambda q: {"retriever": {"rescorer": {
        "retriever": {"standard": {}}, "rescore": {"query": {"rescore_query": q}}}}},
    "reranked": lambda q: {"retriever": {"text_similarity_reranker": {
        "retriever": {"standard": {"query": q}}, "filter": MATCH}}},
}  # fmt: skip


@pytest.mark.parametrize("place", PLACES)
def test_a_query_gets_its_vector_wherever_a_query_stands(place: str) -> None:
    body = PLACES[place](QUERY)
    assert query_texts(body) == [("red", "v")]
    assert with_query_vectors(body, {"red": [1.0]}) == PLACES[place](BUILT)
    assert body == PLACES[place](QUERY)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"match": QUERY}},
        {"query": {"term": QUERY}},
        {"query": {"percolate": {"field": "q", "document": QUERY}}},
        {"query": {"script_score": {"query": MATCH, "script": {"params": QUERY}}}},
        {"query": {"bool": {"must": MATCH}}, "runtime_mappings": QUERY, "ext": QUERY},
        {"aggs": {"knn": {"terms": {"field": "brand"}}}},
        {"aggs": {"a": {"terms": QUERY}}},
        {"query": {"knn": {"field": "v", "query_vector": [1]}}},
        {"query": {"knn": {"field": "v", "query_vector_builder": {"lookup": {"id": "1"}}}}},
        {"retriever": {"newer": {"retriever": {"standard": {"query": QUERY}}}}},
        {"query": {"bool": [[QUERY, 1], "x"]}, "knn": 3, "aggs": [1]},
    ],
    ids=str,
)
def test_nothing_else_is_taken_for_one(body: dict[str, Any]) -> None:
    assert not has_query_texts(body)
    assert query_texts(body) == []


def test_sections_get_their_vectors() -> None:
    other = {**KNN, "query_vector_builder": {"lookup": {"id": "1"}}}
    body = {"knn": [KNN, other], "size": 3}
    assert with_query_vectors(body, {"red": [1.0]}) == {"knn": [BUILT["knn"], other], "size": 3}
    assert with_query_vectors({"knn": KNN}, {"red": [1.0]}) == {"knn": [BUILT["knn"]]}


@pytest.mark.parametrize(
    ("written", "left"),
    [
        ({"query": MATCH, "knn": KNN}, {"query": MATCH}),
        ({"knn": [KNN, {"field": "w"}]}, {"knn": [{"field": "w"}]}),
        (PLACES["query"]({"bool": {"should": [MATCH, QUERY]}}),
         PLACES["query"]({"bool": {"should": [MATCH, NONE]}})),
        (PLACES["query"]({"dis_max": {"queries": [QUERY, MATCH]}}),
         PLACES["query"]({"dis_max": {"queries": [NONE, MATCH]}})),
        (PLACES["query"]({"bool": {"should": [{"bool": {"must": [QUERY]}}, MATCH]}}),
         PLACES["query"]({"bool": {"should": [{"bool": {"must": [NONE]}}, MATCH]}})),
        ({"retriever": {"rrf": {"retrievers": [{"standard": {"query": QUERY}}, {"knn": {}}]}}},
         {"retriever": {"rrf": {"retrievers": [{"standard": {"query": NONE}}, {"knn": {}}]}}}),
    ],
    ids=["section", "one of two", "should", "dis_max", "inside should", "fused"],
)  # fmt: skip
def test_what_has_no_vector_is_left_out_beside_others(written: Any, left: Any) -> None:
    assert with_query_vectors(written, {"red": None}) == left


@pytest.mark.parametrize(
    "body",
    [
        {"knn": KNN},
        {"query": QUERY},
        {"query": {"bool": {"must": [QUERY, MATCH]}}},
        {"query": {"bool": {"should": [QUERY]}}},
        {"query": {"bool": {"should": [{"bool": {"must_not": QUERY}}, MATCH]}}},
        {"query": MATCH, "post_filter": QUERY},
        {"query": MATCH, "aggs": {"a": {"filter": QUERY}}},
        {"retriever": {"standard": {"query": QUERY}}},
    ],
    ids=str,
)
def test_nothing_is_left_out_where_that_would_change_the_meaning(body: dict[str, Any]) -> None:
    with pytest.raises(Indispensable):
        with_query_vectors(body, {"red": None})


def test_a_malformed_builder_is_refused() -> None:
    broken = {"knn": {"field": "v", "query_vector_builder": {"text_embedding": {"model_id": "m"}}}}
    assert has_query_texts({"query": broken})
    with pytest.raises(RequestRefused, match=r"Required \[model_text\]"):
        query_texts({"query": broken})
