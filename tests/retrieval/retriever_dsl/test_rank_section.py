"""Reciprocal rank fusion by `rank`, the form before retrievers."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.retriever_dsl.rank_section import as_retriever, has_rank

MATCH = {"match": {"title": "red"}}
KNN = {"field": "v", "query_vector": [1.0], "k": 5, "num_candidates": 20}


def test_the_query_and_each_section_is_a_list_of_its_own() -> None:
    body = {
        "query": MATCH,
        "knn": [{**KNN, "boost": 0.5, "filter": MATCH}, {"field": "w", "query_vector": [1.0]}],
        "rank": {"rrf": {"window_size": 40, "rank_constant": 20}},
        "size": 7,
        "aggs": {},
    }
    assert has_rank(body)
    assert as_retriever(body, scroll=False) == {
        "size": 7,
        "aggs": {},
        "retriever": {
            "rrf": {
                "retrievers": [
                    {"standard": {"query": MATCH}},
                    {"knn": {**KNN, "filter": MATCH}},
                    {"knn": {"field": "w", "query_vector": [1.0], "k": 7}},
                ],
                "rank_window_size": 40,
                "rank_constant": 20,
            }
        },
    }


def test_sub_searches_and_defaults() -> None:
    body = {"sub_searches": [{"query": MATCH}, {"query": {}}], "rank": {"rrf": {}}}
    assert as_retriever(body, scroll=False) == {
        "size": 10,
        "retriever": {
            "rrf": {
                "retrievers": [{"standard": {"query": MATCH}}, {"standard": {"query": {}}}],
                "rank_window_size": 10,
            }
        },
    }


@pytest.mark.parametrize("body", [{}, {"rank": {}}, {"rank": {"other": {}}}, {"rank": 3},
                                  {"rank": {"rrf": {}}, "retriever": {}}], ids=str)  # fmt: skip
def test_other_bodies_have_none(body: dict[str, Any]) -> None:
    assert not has_rank(body)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"size": 0}, "[rank] requires [size] greater than [0]"),
        ({"size": 30}, "[rank_window_size: 10] be greater than or equal to [size: 30]"),
        ({"knn": []}, "[rank] requires a minimum of [2] result sets using a combination of sub"),
        ({"rescore": {"query": {}}}, "[rank] cannot be used with [rescore]"),
        ({"suggest": {"a": {}}}, "[rank] cannot be used with [suggest]"),
        ({"rank": {"rrf": {"zzz": 1}}}, "[rrf] unknown field [zzz]"),
    ],
    ids=str,
)  # fmt: skip
def test_what_contradicts_itself_is_refused(change: dict[str, Any], reason: str) -> None:
    body = {"query": MATCH, "knn": KNN, "rank": {"rrf": {}}, **change}
    with pytest.raises(RequestRefused) as refused:
        as_retriever(body, scroll=False)
    assert reason in refused.value.message


def test_it_cannot_be_scrolled() -> None:
    with pytest.raises(RequestRefused, match="cannot be used in a scroll context"):
        as_retriever({"query": MATCH, "knn": KNN, "rank": {"rrf": {}}}, scroll=True)
