"""The requests of a search as golden files: those of the leaves and that of the page."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import execute
from es_hybrid.retrieval.execution.abilities import Execution
from es_hybrid.retrieval.needs import Call, Reply, ScoreDocuments, Scores
from es_hybrid.retrieval.nodes import (
    Child,
    Knn,
    Pinned,
    Rerank,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from tests.golden_files import assert_golden

LEXICAL = Standard(query={"match": {"title": "red kettle"}}, label="bm25")
NEAR = Knn(field="embedding", vector=[0.6, 0.8], k=10, num_candidates=50, label="knn")
HYBRID = Rrf(children=(Child(LEXICAL), Child(NEAR, 0.7)), rank_window_size=10)
PLAN = Plan(
    root=HYBRID,
    index="products",
    size=2,
    aggs={"brand": {"terms": {"field": "brand"}}},
    fetch={"_source": ["title"], "highlight": {"fields": {"title": {}}}},
    settings={"timeout": "1s"},
)


def _hit(id_: str, place: int) -> dict[str, Any]:
    return {"_index": "products", "_id": id_, "_score": 1.0 / (place + 1), "sort": [1.0, place]}


def _leaf(*ids: str) -> dict[str, Any]:
    return {
        "took": 1,
        "timed_out": False,
        "_shards": {"total": 1, "successful": 1, "skipped": 0, "failed": 0},
        "hits": {"total": {"value": 2, "relation": "eq"}, "hits": [
            _hit(id_, place) for place, id_ in enumerate(ids)]},
        "status": 200,
    }  # fmt: skip


def _calls(
    plan: Plan, *, execution: Execution = "client", reranks: bool = False
) -> list[dict[str, Any]]:
    """What a search sends, answered by two leaves of two hits each."""
    replies: dict[str, dict[str, Any]] = {
        "_pit": {"id": "the-point-in-time"},
        "_msearch": {"took": 1, "responses": [_leaf("a", "b"), _leaf("b", "c"), _leaf("b", "d")]},
        "_search": _leaf("b"),
    }
    search = execute(plan, Context(execution=execution, reranks=reranks))
    calls: list[dict[str, Any]] = []
    need = next(search)
    while True:
        assert isinstance(need, Call)
        calls.append(
            {"method": need.method, "path": need.path, "params": need.params, "body": need.body}
        )
        body = replies[need.path.rpartition("/")[2]]
        if "responses" in body:
            assert isinstance(need.body, list)
            body = {**body, "responses": body["responses"][: len(need.body) // 2]}
        try:
            need = search.send(Reply(200, body))
        except (StopIteration, KeyError):  # the made-up leaves count nothing
            return calls
        if isinstance(need, ScoreDocuments):
            need = search.send(Scores([0.5] * len(need.documents)))


PLANS: dict[str, Plan] = {
    "one_request": PLAN,
    "one_request_selected": replace(PLAN, selected={"term": {"brand": "a"}}),
    "page_collapsed": replace(PLAN, collapse={"field": "brand"}),
    "page_sorted": replace(PLAN, of_candidates=True, sort=[{"price": "asc"}]),
    "page_of_other_aggregations": replace(PLAN, aggs={"mean": {"avg": {"field": "price"}}}),
    "page_selected_and_collapsed": replace(
        PLAN, collapse={"field": "brand"}, selected={"term": {"brand": "a"}}
    ),
    "page_pinned": replace(PLAN, root=Pinned(child=HYBRID, documents=((None, "d"),))),
    "whole": replace(PLAN, root=LEXICAL),
    "of_another_point_in_time": replace(
        PLAN, index="", settings={"pit": {"id": "theirs"}}, collapse={"field": "brand"}
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_requests(name: str) -> None:
    assert_golden(f"search_{name}", _calls(PLANS[name]))


LICENSED: dict[str, Plan] = {
    "fused": PLAN,
    "fused_with_everything": replace(
        PLAN, collapse={"field": "brand"}, post_filter={"term": {"brand": "a"}}, explain=True,
        suggest={"s": {"text": "x"}}, track_total_hits=False, profile=True,
    ),
    "reranked_by_the_cluster": replace(
        PLAN, root=Rerank(child=HYBRID, text="x", field="title", inference_id="theirs")
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LICENSED)
def test_a_cluster_that_runs_everything_gets_the_tree_as_it_is(name: str) -> None:
    assert_golden(f"native_{name}", _calls(LICENSED[name], execution="auto"))


def test_our_reranker_runs_over_the_cluster_s_own_fusion() -> None:
    """One leaf: the whole `rrf` with its aggregations, as the cluster answers it."""
    reranked = replace(PLAN, root=Rerank(child=HYBRID, text="x", field="title"))
    search = execute(reranked, Context(execution="auto", reranks=True))
    sent = next(search)
    assert isinstance(sent, Call)
    assert isinstance(sent.body, list)
    assert [list(part["retriever"]) for part in sent.body[1::2]] == [["rrf"]]
    assert sent.body[1]["aggs"] == PLAN.aggs
    hits = [{**_hit(id_, 0), "fields": {"title": [id_]}} for id_ in "ab"]
    for hit in hits:
        del hit["sort"]
    leaf = {**_leaf(), "aggregations": {"brand": {"buckets": []}}}
    leaf["hits"] = {"total": {"value": 2, "relation": "eq"}, "hits": hits}
    asked = search.send(Reply(200, {"took": 1, "responses": [leaf]}))
    assert asked == ScoreDocuments("x", ["a", "b"], langs=["", ""], raw=True)
    with pytest.raises(StopIteration) as end:
        search.send(Scores([0.2, 0.9]))
    found = end.value.value
    assert [hit["_id"] for hit in found.hits] == ["b", "a"]
    assert found.total == 2
    assert found.answer["aggregations"] == leaf["aggregations"]


def test_a_tree_of_the_cluster_s_own_is_not_asked_for_more_than_its_window() -> None:
    reranked = Rerank(child=HYBRID, text="x", field="title", rank_window_size=5, keep_rest=True)
    plan = replace(PLAN, root=reranked, from_=8, size=10)
    search = execute(plan, Context(execution="auto", reranks=True))
    sent = next(search)
    assert isinstance(sent, Call)
    assert isinstance(sent.body, list)
    assert sent.body[1]["size"] == HYBRID.rank_window_size == 10


def test_a_page_over_the_cluster_s_own_fusion_asks_its_parts() -> None:
    """A fused tree does not report its matches, which a page of groups needs."""
    plan = replace(
        PLAN, root=Rerank(child=HYBRID, text="x", field="title"), collapse={"field": "brand"}
    )
    calls = _calls(plan, execution="auto", reranks=True)
    assert calls[0]["path"] == "/products/_pit"
    assert [list(part) for part in calls[1]["body"][::2]] == [[], []]
    assert "knn" in calls[1]["body"][3]


def test_paths_are_quoted_and_parameters_passed_on() -> None:
    plan = replace(PLAN, index="a b,c/*", params={"routing": "r", "request_cache": "true"})
    msearch = _calls(plan)[0]
    header = msearch["body"][0]
    preference = header.pop("preference")
    assert header == {"routing": "r", "request_cache": "true"}
    assert msearch["path"] == "/a%20b,c%2F*/_msearch"
    opened = _calls(replace(plan, collapse={"field": "x"}))[0]
    assert opened["path"] == "/a%20b,c%2F*/_pit"
    assert opened["params"] == {"keep_alive": "1m", "routing": "r", "preference": preference}
    theirs = _calls(replace(plan, params={"preference": "_local"}))[0]
    assert theirs["body"][0]["preference"] == "_local"
    everywhere = _calls(replace(PLAN, index="", collapse={"field": "x"}))[0]
    assert everywhere["path"] == "/_all/_pit"


def test_what_the_reranker_reads_comes_with_the_leaves() -> None:
    reranked = Rerank(child=HYBRID, text="x", field="title")
    search = execute(replace(PLAN, root=reranked), Context(execution="client", reranks=True))
    need = next(search)
    assert isinstance(need, Call)
    assert isinstance(need.body, list)
    assert [part["fields"] for part in need.body[1::2]] == [["title"], ["title"]]
