"""Retrieved hits as the response of a shop search."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import InvalidRequest
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved, SearchResponse, StageRank, present

SHARDS = {"total": 3, "successful": 3, "skipped": 0, "failed": 0}


def _presented(
    request: SearchRequest, *, total: int = 0, stages: Any = None, **answer: Any
) -> SearchResponse:
    hits = answer.pop("hits", [])
    whole = {
        "timed_out": False,
        "_shards": SHARDS,
        "hits": {"total": {"value": total, "relation": "eq"}, "hits": hits},
        **answer,
    }
    return present(
        request, Retrieved(answer=whole, read_stages=lambda: stages or {}), {"total": 1.5}
    )


def test_pages_are_those_that_can_be_asked_for() -> None:
    assert _presented(SearchRequest(text="x", size=10), total=0).pages == 0
    assert _presented(SearchRequest(text="x", size=10), total=10).pages == 1
    assert _presented(SearchRequest(text="x", size=10), total=11).pages == 2
    assert _presented(SearchRequest(text="x", size=10), total=1_000_000).pages == 1000
    last = _presented(SearchRequest(text="x", size=300), total=1_000_000).pages
    assert SearchRequest(text="x", size=300, page=last)
    with pytest.raises(InvalidRequest, match="out of range"):
        SearchRequest(text="x", size=300, page=last + 1)


def test_groups_and_not_products_fill_the_pages_of_a_grouped_search() -> None:
    values = {"buckets": [{"key": "a"}, {"key": "b"}], "sum_other_doc_count": 0}
    groups = {"/groups": values, "none": {"doc_count": 3}}
    response = _presented(
        SearchRequest(text="x", size=2, collapse="brand"),
        total=50,
        aggregations={"/groups": groups},
    )
    assert (response.total, response.pages) == (5, 3)


def test_more_groups_than_pages_can_show_are_estimated() -> None:
    values = {"buckets": [{"key": "a"}], "sum_other_doc_count": 9}
    groups = {"/groups": values, "none": {"doc_count": 3}, "estimate": {"value": 12_000}}
    request = SearchRequest(text="x", size=10, collapse="brand")
    response = _presented(request, total=50, aggregations={"/groups": groups})
    assert (response.total, response.pages) == (12_003, 1000)


def test_what_elasticsearch_left_out_is_reported() -> None:
    whole = _presented(SearchRequest(text="x"))
    assert whole.degraded == ()
    partial = _presented(
        SearchRequest(text="x" * 2000), timed_out=True, _shards={**SHARDS, "failed": 1}
    )
    assert [line.split(":")[0] for line in partial.degraded] == [
        "query",
        "elasticsearch",
        "elasticsearch",
    ]
    assert partial.degraded[2] == "elasticsearch: 1 of 3 shards failed"


def test_a_hit_has_the_score_of_the_last_stage_that_ranked_it() -> None:
    first, second = Key("i", "1"), Key("i", "2")
    stages = {
        "bm25": {first: StageRank(1, 9.5), second: StageRank(2, 8.5)},
        "rrf": {first: StageRank(2, 0.01), second: StageRank(1, 0.02)},
        "rerank": {first: StageRank(1, 0.9)},
        "pinned": {first: StageRank(1, 1e38), second: StageRank(2, 0.02)},
    }
    hits: list[dict[str, Any]] = [
        {"_index": "i", "_id": id_, "_score": 1e38, "_source": {}} for id_ in ("1", "2")
    ]
    request = SearchRequest(text="x", page=2, size=2, pinned=["1"])
    response = _presented(request, total=9, hits=hits, stages=stages)
    assert [(hit.rank, hit.score) for hit in response.hits] == [(3, 0.9), (4, 0.02)]
    assert list(response.hits[0].stages) == ["bm25", "rrf", "rerank", "pinned"]
    assert list(response.hits[1].stages) == ["bm25", "rrf"]
