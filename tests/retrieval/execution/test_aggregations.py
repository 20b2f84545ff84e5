"""Aggregations of two disjoint sets added up, against Elasticsearch's own of their union."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.retrieval.execution.aggregations import addable, added, widened
from tests.retrieval.live import Searcher

AGGS: dict[str, Any] = {
    "brands": {"terms": {"field": "brand"}},
    "few": {"terms": {"field": "price", "size": 3}},
    "absent": {"terms": {"field": "brand", "missing": "none", "include": ["a", "b"]}},
    "cheap": {
        "filter": {"range": {"price": {"lt": 50}}},
        "aggs": {"values": {"terms": {"field": "brand"}}, "dearest": {"max": {"field": "price"}}},
    },
    "prices": {
        "range": {"field": "price", "ranges": [{"to": 20}, {"from": 20, "to": 60}, {"from": 60}]},
        "aggs": {"stock": {"sum": {"field": "stock"}}},
    },
    "keyed": {"range": {"field": "price", "keyed": True, "ranges": [{"key": "low", "to": 20}]}},
    "without": {"missing": {"field": "brand"}},
    "counted": {"value_count": {"field": "price"}},
    "cheapest": {"min": {"field": "price"}},
}
RED: dict[str, Any] = {"match": {"title": "red"}}
LAMP: dict[str, Any] = {"match": {"title": "lamp"}}


def _aggregations(searcher: Searcher, query: dict[str, Any], aggs: dict[str, Any]) -> Any:
    return searcher.es.search(index=searcher.index, query=query, aggs=aggs, size=0)["aggregations"]


def test_the_sum_of_two_sets_is_the_union_s(searcher: Searcher) -> None:
    wide = widened(AGGS)
    first = _aggregations(searcher, RED, wide)
    second = _aggregations(searcher, {"bool": {"must": LAMP, "must_not": RED}}, wide)
    union = _aggregations(searcher, {"bool": {"should": [RED, LAMP]}}, AGGS)
    assert addable(AGGS)
    assert added(AGGS, first, second) == union


def test_a_set_without_a_hit_adds_nothing(searcher: Searcher) -> None:
    wide = widened(AGGS)
    first = _aggregations(searcher, RED, wide)
    second = _aggregations(searcher, {"match_none": {}}, wide)
    assert added(AGGS, first, second) == _aggregations(searcher, RED, AGGS)


@pytest.mark.parametrize("wraps", [False, True])
def test_more_values_than_were_asked_for_cannot_be_added(searcher: Searcher, wraps: bool) -> None:
    aggs: dict[str, Any] = {"prices": {"terms": {"field": "price", "size": 2}}}
    if wraps:
        aggs = {"all": {"filter": {"match_all": {}}, "aggs": aggs}}
    cut = _aggregations(searcher, RED, aggs)
    assert added(aggs, cut, cut) is None


@pytest.mark.parametrize(
    "spec",
    [
        {"avg": {"field": "price"}},
        {"cardinality": {"field": "brand"}},
        {"terms": {"field": "brand", "order": {"_key": "asc"}}},
        {"terms": {"field": "brand", "min_doc_count": 0}},
        {"terms": {"field": "brand"}, "aggs": {"mean": {"avg": {"field": "price"}}}},
        {"terms": {"field": "brand"}, "meta": {"color": "blue"}},
        {"filter": {"match_all": {}}, "aggs": {"mean": {"avg": {"field": "price"}}}},
        {},
    ],
)
def test_what_does_not_follow_from_two_sets_is_not_added(spec: dict[str, Any]) -> None:
    assert not addable({"a": spec})


def test_widening_leaves_what_was_asked_for_alone() -> None:
    aggs = {"all": {"filter": {}, "aggregations": {"a": {"terms": {"field": "x", "size": 2000}}}}}
    assert widened(aggs) == {
        "all": {"filter": {}, "aggs": {"a": {"terms": {"field": "x", "size": 2000}}}}
    }
    assert aggs["all"]["aggregations"]["a"]["terms"]["size"] == 2000
