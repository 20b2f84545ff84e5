"""A wrong body gets the answer of Elasticsearch: status, type, reason, root cause.

The node itself runs `standard`, `knn` and `rescorer`, so for those the same wrong body is sent to
it and read here. For the licensed retrievers, the answers are taken from Elasticsearch's source.
"""

from __future__ import annotations

import re
from typing import Any

import pytest
from elasticsearch import ApiError

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.retriever_dsl.body import parse_body
from tests.retrieval.live import Searcher

STANDARD: dict[str, Any] = {"standard": {"query": {"match": {"title": "red kettle"}}}}
VECTOR = [1.0] * 8
KNN: dict[str, Any] = {"field": "embedding", "query_vector": VECTOR, "k": 5, "num_candidates": 20}
RESCORE: dict[str, Any] = {
    "window_size": 30,
    "query": {"rescore_query": {"match": {"title": "lamp"}}},
}


def _rescored(child: Any, **more: Any) -> dict[str, Any]:
    return {"rescorer": {"retriever": child, "rescore": RESCORE, **more}}


def _without(value: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: inner for key, inner in value.items() if key != name}


WRONG_ON_THE_NODE: dict[str, dict[str, Any]] = {
    "unknown retriever": {"retriever": {"foo": {}}},
    "misspelled retriever": {"retriever": {"standart": {}}},
    "no retriever": {"retriever": {}},
    "a string": {"retriever": "x"},
    "a list": {"retriever": []},
    "standard is a string": {"retriever": {"standard": "x"}},
    "two retrievers": {"retriever": {**STANDARD, "knn": KNN}},
    "standard: unknown": {"retriever": {"standard": {"zzz": {}}}},
    "standard: misspelled": {"retriever": {"standard": {"queryy": {}}}},
    "standard: query is a string": {"retriever": {"standard": {"query": "x"}}},
    "standard: query is null": {"retriever": {"standard": {"query": None}}},
    "standard: filter is a string": {"retriever": {"standard": {"filter": "x"}}},
    "standard: min_score": {"retriever": {"standard": {"min_score": "abc"}}},
    "standard: _name": {"retriever": {"standard": {"_name": 3}}},
    "standard: collapse": {"retriever": {"standard": {"collapse": "x"}}},
    "standard: sort": {"retriever": {"standard": {"sort": "price"}}},
    "standard: terminate_after": {"retriever": {"standard": {"terminate_after": "x"}}},
    "knn: nothing": {"retriever": {"knn": {}}},
    "knn: no field": {"retriever": {"knn": _without(KNN, "field")}},
    "knn: no k": {"retriever": {"knn": _without(KNN, "k")}},
    "knn: no vector": {"retriever": {"knn": _without(KNN, "query_vector")}},
    "knn: unknown": {"retriever": {"knn": {**KNN, "zzz": 1}}},
    "knn: field": {"retriever": {"knn": {**KNN, "field": 3}}},
    "knn: k is no number": {"retriever": {"knn": {**KNN, "k": "x"}}},
    "knn: k is null": {"retriever": {"knn": {**KNN, "k": None}}},
    "knn: k of 0": {"retriever": {"knn": {**KNN, "k": 0}}},
    "knn: k above num_candidates": {"retriever": {"knn": {**KNN, "k": 50}}},
    "knn: num_candidates": {"retriever": {"knn": {**KNN, "num_candidates": 20_000}}},
    "rescorer: unknown": {"retriever": _rescored(STANDARD, zzz=1)},
    "rescorer: no retriever": {"retriever": {"rescorer": {"rescore": RESCORE}}},
    "rescorer: retriever is a string": {"retriever": _rescored("x")},
    "rescorer: rescore is a string": {
        "retriever": {"rescorer": {"retriever": STANDARD, "rescore": "x"}}
    },
    "rescorer: unknown inside": {"retriever": _rescored({"foo": {}})},
    "rescorer: wrong inside": {"retriever": _rescored({"standard": {"zzz": 1}})},
    "rescorer: knn inside": {"retriever": _rescored({"knn": {**KNN, "k": 50}})},
    "rescorer: terminate_after inside": {
        "retriever": _rescored({"standard": {"query": {"match_all": {}}, "terminate_after": 2}})
    },
    "rescorer: window": {
        "size": 5,
        "retriever": {
            "rescorer": {
                "retriever": _rescored(STANDARD),
                "rescore": {**RESCORE, "window_size": 50},
            }
        },
    },
    "rescorer: filter is null": {"retriever": _rescored(STANDARD, filter=None)},
    "rescorer: filter is a string": {"retriever": _rescored(STANDARD, filter="x")},
    "rescorer: _name is null": {"retriever": _rescored(STANDARD, _name=None)},
    "rescorer: min_score is null": {"retriever": _rescored(STANDARD, min_score=None)},
    "rescorer: retriever is null": {"retriever": _rescored(None)},
    "rescorer: rescore is null": {
        "retriever": {"rescorer": {"retriever": STANDARD, "rescore": None}}
    },
    "rescorer: rescore is empty": {
        "retriever": {"rescorer": {"retriever": STANDARD, "rescore": []}}
    },
    "rescorer: nothing inside": {"retriever": _rescored({})},
    "rescorer: two inside": {"retriever": _rescored({**STANDARD, "knn": KNN})},
    "rescorer: inside is null": {"retriever": _rescored({"standard": None})},
    "rescorer: window below 0": {
        "retriever": {
            "rescorer": {"retriever": STANDARD, "rescore": {**RESCORE, "window_size": -1}}
        }
    },
    "standard is null": {"retriever": {"standard": None}},
    "standard: filter is null": {"retriever": {"standard": {"filter": None}}},
    "standard: _name is a list": {"retriever": {"standard": {"_name": ["x"]}}},
    "standard: min_score is a boolean": {"retriever": {"standard": {"min_score": True}}},
    "standard: sort is null": {"retriever": {"standard": {"sort": None}}},
    "standard: collapse is null": {"retriever": {"standard": {"collapse": None}}},
    "knn: filter is a number": {"retriever": {"knn": {**KNN, "filter": 3}}},
    "knn: similarity": {"retriever": {"knn": {**KNN, "similarity": None}}},
    "knn: vector is an object": {"retriever": {"knn": {**KNN, "query_vector": {}}}},
    "knn: vector of vectors": {"retriever": {"knn": {**KNN, "query_vector": [[1]]}}},
    "knn: vector of a null": {"retriever": {"knn": {**KNN, "query_vector": [None]}}},
    "knn: vector is a number": {"retriever": {"knn": {**KNN, "query_vector": 3}}},
    "knn: vector is a boolean": {"retriever": {"knn": {**KNN, "query_vector": True}}},
    "knn: num_candidates of 0": {"retriever": {"knn": {**KNN, "num_candidates": 0}}},
    "knn: k below 0": {"retriever": {"knn": {**KNN, "k": -1}}},
    "size beyond the window": {"retriever": _rescored(STANDARD), "size": 40},
    "beside query and sort": {"retriever": STANDARD, "query": {"match_all": {}}, "sort": ["price"]},
    "beside knn": {"retriever": STANDARD, "knn": KNN},
    "beside rescore": {"retriever": STANDARD, "rescore": RESCORE},
    "beside search_after": {"retriever": STANDARD, "search_after": [1]},
    "beside terminate_after": {"retriever": STANDARD, "terminate_after": 1},
    "size below 0": {"retriever": STANDARD, "size": -1},
    "size is no number": {"retriever": STANDARD, "size": "x"},
    "from below 0": {"retriever": STANDARD, "from": -1},
    "track_total_hits is no number": {"retriever": STANDARD, "track_total_hits": "x"},
    "track_total_hits below -1": {"retriever": STANDARD, "track_total_hits": -5},
    "explain": {"retriever": STANDARD, "explain": "x"},
    "unknown in the body": {"retriever": STANDARD, "zzz": 1},
    "a query that does not exist": {"retriever": {"standard": {"query": {"matchx": {}}}}},
    "an aggregation that does not exist": {"retriever": STANDARD, "aggs": {"a": {"termss": {}}}},
    "another field's type": {"retriever": {"knn": {**KNN, "field": "title"}}},
    "other dims": {"retriever": {"knn": {**KNN, "query_vector": [1.0] * 7}}},
}


def _told(error: dict[str, Any]) -> dict[str, Any]:
    """An error without the line and column that only Elasticsearch's own parser knows."""
    told = {name: error[name] for name in ("type", "reason")}
    told["reason"] = re.sub(r"^\[\d+:\d+\] ", "", told["reason"])
    return told


@pytest.mark.parametrize("name", WRONG_ON_THE_NODE)
def test_the_same_wrong_body_answers_the_same(searcher: Searcher, name: str) -> None:
    body = WRONG_ON_THE_NODE[name]
    with pytest.raises(ApiError) as native:
        searcher.es.perform_request(
            "POST",
            f"/{searcher.index}/_search",
            headers={"content-type": "application/json", "accept": "application/json"},
            body=body,
        )
    with pytest.raises(RequestRefused) as ours:
        searcher.answer(body)
    theirs: dict[str, Any] = native.value.body["error"]
    answered = ours.value.body()
    assert ours.value.status == answered["status"] == native.value.meta.status
    assert _told(dict(answered["error"])) == _told(theirs)
    assert _told(answered["error"]["root_cause"][0]) == _told(theirs["root_cause"][0])


def test_seventeen_levels_are_too_deep_for_both(searcher: Searcher) -> None:
    deep = STANDARD
    for _ in range(16):
        deep = _rescored(deep)
    with pytest.raises(ApiError) as native:
        searcher.es.search(index=searcher.index, retriever=deep)
    with pytest.raises(RequestRefused) as ours:
        searcher.answer({"retriever": deep})
    assert ours.value.status == native.value.meta.status == 400
    assert "exceeds the maximum nested depth of [16]" in ours.value.message
    assert "exceeds the maximum nested depth of [16]" in str(native.value.body)


RRF: dict[str, Any] = {"retrievers": [STANDARD, {"knn": KNN}]}
LINEAR: dict[str, Any] = {"retrievers": [{"retriever": STANDARD}]}
RERANK: dict[str, Any] = {"retriever": STANDARD, "field": "title", "inference_text": "red"}
X_CONTENT, ILLEGAL = "x_content_parse_exception", "illegal_argument_exception"
PARSING, INVALID = "parsing_exception", "action_request_validation_exception"

WRONG_BY_THE_SOURCE: dict[str, tuple[dict[str, Any], str, str]] = {
    "rrf: unknown": ({"rrf": {**RRF, "zzz": 1}}, X_CONTENT, "[rrf] unknown field [zzz]"),
    "rrf: nothing": ({"rrf": {}}, INVALID, "[rrf] must provide [retrievers] or [query]"),
    "rrf: rank_constant": (
        {"rrf": {**RRF, "rank_constant": -1}},
        ILLEGAL,
        "[rrf] [rank_constant] cannot be negative, found [-1]",
    ),
    "rrf: window": (
        {"rrf": {**RRF, "rank_window_size": -1}},
        INVALID,
        "[rank_window_size] parameter cannot be negative, found [-1]",
    ),
    "rrf: both forms": (
        {"rrf": {**RRF, "query": "red"}},
        INVALID,
        "[rrf] cannot combine [retrievers] and [query]",
    ),
    "rrf: fields alone": (
        {"rrf": {"fields": ["title"]}},
        INVALID,
        "[rrf] [query] must be provided when [fields] is specified",
    ),
    "rrf: empty query": ({"rrf": {"query": ""}}, INVALID, "[rrf] [query] cannot be empty"),
    "rrf: no fields": (
        {"rrf": {"query": "red", "fields": []}},
        INVALID,
        "[rrf] [fields] cannot be empty",
    ),
    "rrf: no fields and no query": (
        {"rrf": {"fields": []}},
        INVALID,
        "[rrf] [query] must be provided when [fields] is specified",
    ),
    "rrf: negative weight of a field": (
        {"rrf": {"query": "red", "fields": ["title^2", "brand^-0.5"]}},
        ILLEGAL,
        "[rrf] per-field weights must be non-negative",
    ),
    "rrf: a weight of a field that is no number": (
        {"rrf": {"query": "red", "fields": ["title^x"]}},
        "number_format_exception",
        'For input string: "x"',
    ),
    "rrf: negative weight": (
        {"rrf": {"retrievers": [{"retriever": STANDARD, "weight": -1}]}},
        X_CONTENT,
        "[weight] must be non-negative, found [-1.0]",
    ),
    "rrf: a weight alone": (
        {"rrf": {"retrievers": [{"weight": 1}]}},
        X_CONTENT,
        "retriever component must contain a retriever",
    ),
    "rrf: an empty retriever": (
        {"rrf": {"retrievers": [{}]}},
        X_CONTENT,
        "retriever component must contain a retriever",
    ),
    "rrf: a weighted retriever with more": (
        {"rrf": {"retrievers": [{"retriever": STANDARD, "normalizer": "minmax"}]}},
        X_CONTENT,
        "unknown field [normalizer], expected [retriever] or [weight]",
    ),
    "rrf: a retriever is a list": (
        {"rrf": {"retrievers": [{"retriever": [STANDARD]}]}},
        X_CONTENT,
        "retriever must be an object",
    ),
    "rrf: two retrievers in one": (
        {"rrf": {"retrievers": [{**STANDARD, "knn": KNN}]}},
        X_CONTENT,
        "unknown field [knn] after retriever",
    ),
    "rrf: window beyond an int": (
        {"rrf": {**RRF, "rank_window_size": 99_999_999_999}},
        X_CONTENT,
        "Numeric value (99999999999) out of range of int (-2147483648 - 2147483647)",
    ),
    "linear: no fields": (
        {"linear": {"query": "red", "fields": [], "normalizer": "minmax"}},
        INVALID,
        "[linear] [fields] cannot be empty",
    ),
    "linear: negative weight of a field": (
        {"linear": {"query": "red", "fields": ["title^-1"], "normalizer": "minmax"}},
        ILLEGAL,
        "[linear] per-field weights must be non-negative",
    ),
    "linear: negative weight": (
        {"linear": {"retrievers": [{"retriever": STANDARD, "weight": -1}]}},
        X_CONTENT,
        "[weight] must be non-negative",
    ),
    "linear: no retriever": (
        {"linear": {"retrievers": [{"weight": 1}]}},
        X_CONTENT,
        "Required [retriever]",
    ),
    "rrf: child with terminate_after": (
        {"rrf": {"retrievers": [{"standard": {"terminate_after": 3}}]}},
        ILLEGAL,
        "[terminate_after] cannot be used in children of compound retrievers",
    ),
    "rrf: wider than its child": (
        {"rrf": {"retrievers": [{"rrf": RRF}], "rank_window_size": 20}},
        INVALID,
        "[rrf] requires [rank_window_size: 20] to be smaller than or equal to its sub retriever's "
        "rrf [rank_window_size: 10]",
    ),
    "linear: normalizer": (
        {"linear": {"retrievers": [{"retriever": STANDARD, "normalizer": "zzz"}]}},
        X_CONTENT,
        "Unknown normalizer [zzz]",
    ),
    "linear: short form without normalizer": (
        {"linear": {"query": "red"}},
        INVALID,
        "[linear] [normalizer] must be provided when [query] is specified",
    ),
    "linear: min_score": (
        {"linear": {**LINEAR, "min_score": -1}},
        ILLEGAL,
        "[min_score] must be greater than or equal to 0, was: [-1.0]",
    ),
    "rerank: nothing": (
        {"text_similarity_reranker": {}},
        ILLEGAL,
        "Required [retriever, inference_text, field]",
    ),
    "pinned: nothing pinned": (
        {"pinned": {"retriever": STANDARD}},
        PARSING,
        "Either 'ids' or 'docs' must be provided and non-empty for pinned retriever",
    ),
    "pinned: both": (
        {"pinned": {"retriever": STANDARD, "ids": ["1"], "docs": [{"_id": "1"}]}},
        PARSING,
        "Both 'ids' and 'docs' cannot be specified at the same time",
    ),
    "pinned: an id twice": (
        {"pinned": {"retriever": STANDARD, "ids": ["1", "2", "1"]}},
        ILLEGAL,
        "[pinned] duplicate id found in list: 1",
    ),
    "pinned: a document twice": (
        {"pinned": {"retriever": STANDARD, "docs": [{"_index": "i", "_id": "1"}] * 2}},
        ILLEGAL,
        '[pinned] duplicate doc found in list: {\n  "_index" : "i",\n  "_id" : "1"\n}',
    ),
    "pinned: too many ids": (
        {"pinned": {"retriever": STANDARD, "ids": [str(n) for n in range(101)]}},
        ILLEGAL,
        "[pinned] Max of 100 ids exceeded: 101 provided.",
    ),
    "pinned: too many documents": (
        {
            "pinned": {
                "retriever": STANDARD,
                "docs": [{"_index": "i", "_id": str(n)} for n in range(102)],
            }
        },
        ILLEGAL,
        "[pinned] Max of 100 docs exceeded: 102 provided.",
    ),
    "pinned: a pattern of indices": (
        {"pinned": {"retriever": STANDARD, "docs": [{"_index": "i*", "_id": "1"}]}},
        PARSING,
        "Item index cannot contain wildcard expressions",
    ),
    "pinned: a retriever without a query": (
        {"pinned": {"retriever": {"standard": {}}, "ids": ["1"]}},
        ILLEGAL,
        "pinned retriever requires retriever with associated query",
    ),
    "pinned: neighbours": (
        {"pinned": {"retriever": {"knn": KNN}, "ids": ["1"]}},
        ILLEGAL,
        "pinned retriever requires retriever with associated query",
    ),
    "pinned: a sorted retriever": (
        {
            "rrf": {
                "retrievers": [
                    {"pinned": {"retriever": {"standard": {"sort": ["price"]}}, "ids": ["1"]}}
                ]
            }
        },
        ILLEGAL,
        "[pinned] retriever only supports sorting by score, invalid sort criterion: "
        '{\n  "price" : {\n    "order" : "asc"\n  }\n}',
    ),
    "knn: both vectors": (
        {"knn": {**KNN, "query_vector_builder": {"text_embedding": {"model_text": "red"}}}},
        X_CONTENT,
        "only one of [query_vector] and [query_vector_builder] must be provided",
    ),
}


@pytest.mark.parametrize("name", WRONG_BY_THE_SOURCE)
def test_licensed_retrievers_answer_as_their_source_says(name: str) -> None:
    retriever, type_, reason = WRONG_BY_THE_SOURCE[name]
    with pytest.raises(RequestRefused) as refused:
        parse_body({"retriever": retriever}, index="products", params={})
    assert (refused.value.status, refused.value.type) == (400, type_)
    assert reason in refused.value.message
    assert refused.value.body()["error"]["type"] == type_


@pytest.mark.parametrize(
    "retriever",
    [
        {"rrf": {**RRF, "rank_constant": 0}},
        {"rrf": {"query": "red", "fields": ["title^2", "brand^0.5"]}},
        {"rrf": {"retrievers": [{"weight": "2", "retriever": STANDARD}]}},
        {"pinned": {"retriever": STANDARD, "ids": [1, "2"]}},
        {"pinned": {"retriever": {"standard": {"filter": {"term": {"brand": "a"}}}}, "ids": ["1"]}},
        {
            "pinned": {
                "retriever": {"standard": {}},
                "ids": ["1"],
                "filter": {"term": {"brand": "a"}},
            }
        },
        {
            "pinned": {
                "retriever": {"standard": {**STANDARD["standard"], "sort": ["_score"]}},
                "ids": ["1"],
            }
        },
        {
            "pinned": {
                "retriever": {"rrf": RRF},
                "docs": [{"_id": "1"}, {"_index": "i", "_id": "1"}],
            }
        },
    ],
)
def test_what_elasticsearch_accepts_is_accepted(retriever: dict[str, Any]) -> None:
    plan = parse_body({"retriever": retriever}, index="products", params={})
    assert plan.root.kind == next(iter(retriever))


def test_a_compound_retriever_cannot_be_scrolled() -> None:
    with pytest.raises(RequestRefused, match=r"cannot specify \[rrf\] and \[scroll\]"):
        parse_body({"retriever": {"rrf": RRF}}, index="products", params={"scroll": "1m"})


def test_every_contradiction_is_named_at_once() -> None:
    body = {"size": 20, "retriever": {"rrf": {**RRF, "query": "red"}}}
    with pytest.raises(RequestRefused) as refused:
        parse_body(body, index="products", params={})
    assert refused.value.body()["error"]["reason"] == (
        "Validation Failed: "
        "1: [rrf] requires [rank_window_size: 10] be greater than or equal to [size: 20];"
        "2: [rrf] cannot combine [retrievers] and [query];"
    )
