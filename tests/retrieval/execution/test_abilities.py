"""Detecting by trial what a cluster supports."""

from __future__ import annotations

from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.drive.send import sender
from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.abilities import REMEMBERED_SECONDS, Abilities, Execution
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.nodes import (
    Child,
    Knn,
    Node,
    Pinned,
    Rerank,
    Rescorer,
    Rrf,
    Standard,
)
from es_hybrid.retrieval.plan import Plan
from tests.retrieval.live import Searcher, vector_of

LEXICAL = Standard(query={"match": {"title": "red"}})
NEAR = Knn(field="embedding", vector=vector_of("red"), k=10, num_candidates=50)
RETRIEVER: dict[str, Any] = {"standard": {"query": {"match_all": {}}}}
FUSED = Rrf(children=(Child(LEXICAL), Child(NEAR)))


SENT = frozenset({"rrf", "linear", "text_similarity_reranker", "pinned", "rescorer"})


def _licence(feature: str) -> dict[str, Any]:
    """A Basic cluster's answer, as 8.17 sends it."""
    cause = {
        "type": "security_exception",
        "reason": f"current license is non-compliant for [{feature}]",
        "license.expired.feature": feature,
    }
    return {"error": {"root_cause": [cause], **cause}, "status": 403}


def _unknown(kind: str) -> dict[str, Any]:
    """The answer of a cluster that does not know a retriever, as 9.5 sends it."""
    unknown = {
        "type": "named_object_not_found_exception",
        "reason": f"[1:23] unknown field [{kind}]",
    }
    error = {"type": "parsing_exception", "reason": f"unknown retriever [{kind}]"}
    return {"error": {"root_cause": [error], **error, "caused_by": unknown}, "status": 400}


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("feature", "kinds"),
    [
        ("Reciprocal Rank Fusion (RRF)", {"rrf"}),
        ("linear retriever", {"linear"}),
        ("text_similarity_reranker", {"text_similarity_reranker"}),
        # Depends on the caller's role.
        ("field and document level security", set()),
        ("security", set()),
    ],
)
def test_a_licence_s_refusal_is_remembered_by_retriever(feature: str, kinds: set[str]) -> None:
    abilities = Abilities()
    assert abilities.learn(_licence(feature), sent=SENT) == kinds
    assert abilities.refused == kinds
    # Of two concurrent searches, the second learns nothing new and continues.
    assert abilities.learn(_licence(feature), sent=SENT) == kinds


def test_a_licence_s_refusal_inside_a_rescorer_is_a_parsing_error_s_cause() -> None:
    cause = _licence("Reciprocal Rank Fusion (RRF)")["error"]
    reason = "[rescorer] failed to parse field [retriever]"
    error = {"error": {"type": "parsing_exception", "reason": reason, "caused_by": cause}}
    assert Abilities().learn(error, sent=SENT) == {"rrf"}


def _newer_than_the_cluster(kind: str, field: str) -> dict[str, Any]:
    reason = f"[1:30] [{kind}] unknown field [{field}]"
    return {"error": {"type": "x_content_parse_exception", "reason": reason}, "status": 400}


@pytest.mark.parametrize(
    ("kind", "field", "kinds"),
    [
        ("rrf", "query", {"rrf"}),
        ("linear", "normalizer", {"linear"}),
        ("text_similarity_reranker", "chunk_rescorer", {"text_similarity_reranker"}),
        # What es-hybrid never writes is the caller's mistake, as is any option of a leaf.
        ("rrf", "nonsense", set()),
        ("knn", "query", set()),
    ],
)
def test_an_older_cluster_s_refusal_of_a_part_is_that_of_the_retriever(
    kind: str, field: str, kinds: set[str]
) -> None:
    error = _newer_than_the_cluster(kind, field)
    assert Abilities().learn(error, sent={*SENT, "knn"}) == kinds


@pytest.mark.parametrize(("name", "kinds"), [("retriever", {"rrf"}), ("nonsense", set())])
def test_an_older_cluster_s_refusal_of_a_weight_is_that_of_rrf(name: str, kinds: set[str]) -> None:
    cause = {
        "type": "named_object_not_found_exception",
        "reason": f"[1:40] unknown field [{name}]",
    }
    reason = "[1:20] [rrf] failed to parse field [retrievers]"
    error = {"type": "x_content_parse_exception", "reason": reason, "caused_by": cause}
    assert Abilities().learn({"error": error}, sent=SENT) == kinds


def test_nothing_is_learned_about_a_retriever_that_was_not_sent() -> None:
    abilities = Abilities()
    assert abilities.learn(_unknown("linear"), sent={"rrf"}) == set()
    assert abilities.refused == set()


def test_an_index_that_refuses_patterns_is_asked_again_after_some_minutes() -> None:
    clock = _Clock()
    abilities = Abilities(clock=clock)
    assert "shop" in abilities.patterns
    abilities.patterns.refused("shop")
    assert "shop" not in abilities.patterns
    assert "other" in abilities.patterns
    clock.now += REMEMBERED_SECONDS
    assert "shop" in abilities.patterns


def test_what_is_learned_is_forgotten_after_some_minutes() -> None:
    clock = _Clock()
    abilities = Abilities(clock=clock)
    plan = Plan(root=NEAR, index="products")
    abilities.learn(_unknown("rrf"), sent=SENT)
    abilities.one_shard.never(plan)
    clock.now += REMEMBERED_SECONDS - 1
    assert abilities.refused == {"rrf"}
    abilities.one_shard.learn(plan, [{"_shards": {"total": 1}}])
    assert plan not in abilities.one_shard
    clock.now += 2
    assert abilities.refused == set()
    assert abilities.one_shard.learn(plan, [{"_shards": {"total": 1}}])
    assert plan in abilities.one_shard
    clock.now += REMEMBERED_SECONDS + 1
    assert plan not in abilities.one_shard


HOSTILE = (
    "( current license is non-compliant for [RRF] linear unknown retriever [rrf] "
    "[1:2] unknown field [rrf]"
)


@pytest.mark.parametrize(
    "body",
    [
        {"query": {"query_string": {"query": HOSTILE}}},
        {"query": {HOSTILE: {}}},
        {"query": {"match": {HOSTILE: {HOSTILE: 1}}}},
        {"query": {"regexp": {"title": "unknown retriever [rrf]\\"}}},
        {"query": {"range": {"price": {"gt": "unknown retriever [rrf]"}}}},
        {"query": {"rrf": {}}},
        {"retriever": {"standard": {"query": {"rrf": {}}}}},
        {"retriever": {"standard": {"query": {"match_all": {}}, "filter": {"rrf": {}}}}},
        {"retriever": {"unknown retriever [rrf]": {}}},
        {"retriever": {"rescorer": {"retriever": RETRIEVER, "rescore": {"rrf": {}}}}},
        {"retriever": {"rescorer": {"retriever": RETRIEVER, "rrf": {}}}},
        {"aggs": {"x": {"rrf": {}}}},
        {HOSTILE: 1},
        {"sort": [{"unknown retriever [rrf]": {"order": "asc"}}]},
    ],
)
def test_a_caller_s_own_words_in_an_error_teach_nothing(
    es: Elasticsearch, product_index: str, body: dict[str, Any]
) -> None:
    reply = sender(es)(Call("POST", f"/{product_index}/_search", body=body), None)
    assert reply.status == 400, reply
    assert Abilities().learn(reply.body, sent=SENT) == set()


@pytest.mark.parametrize("kind", ["rrf", "linear", "text_similarity_reranker", "pinned"])
def test_the_cluster_s_own_refusal_is_recognised_wherever_the_retriever_is(
    es: Elasticsearch, product_index: str, kind: str
) -> None:
    rescore: dict[str, Any] = {"query": {"rescore_query": {"match_all": {}}}}
    whole: dict[str, Any] = {kind: {}}
    inside = {"rescorer": {"retriever": whole, "rescore": rescore}}
    for retriever in (whole, inside, {"rescorer": {"retriever": inside, "rescore": rescore}}):
        body = {"retriever": retriever}
        reply = sender(es)(Call("POST", f"/{product_index}/_search", body=body), None)
        assert Abilities().learn(reply.body, sent=SENT) == {kind}


@pytest.mark.parametrize(
    ("node", "auto", "native", "client"),
    [
        (LEXICAL, True, True, True),
        (NEAR, True, True, True),
        (Rescorer(child=LEXICAL, rescore=({},)), True, True, True),
        (FUSED, True, True, False),
        (Rescorer(child=FUSED, rescore=({},)), True, True, False),
        (Pinned(child=LEXICAL, documents=((None, "1"),)), True, True, False),
        (Pinned(child=LEXICAL, documents=((None, "1"),), filtered=True), False, False, False),
        (Rerank(child=FUSED, text="x", field="title"), True, True, False),
        (Rerank(child=FUSED, text="x", field="title", keep_rest=True), False, False, False),
    ],
)
def test_who_runs_a_tree(node: Node, auto: bool, native: bool, client: bool) -> None:
    fresh = Abilities()
    assert _runs(fresh, node, "auto") is auto
    assert _runs(fresh, node, "native") is native
    assert _runs(fresh, node, "client") is client
    refused = Abilities()
    for kind in ("rrf", "pinned", "text_similarity_reranker"):
        refused.learn(_unknown(kind), sent=SENT)
    kinds_of_basic = {"standard", "knn", "rescorer"}
    assert _runs(refused, node, "auto") is (node.kind in kinds_of_basic and client)


def _runs(abilities: Abilities, node: Node, execution: Execution) -> bool:
    return id(node) in abilities.runs_whole(node, execution=execution, reranks=False)


def test_a_reranker_here_does_what_the_cluster_s_would() -> None:
    node = Rerank(child=LEXICAL, text="x", field="title")
    assert id(node) not in Abilities().runs_whole(node, execution="native", reranks=True)


def test_a_cluster_is_asked_once_and_its_refusal_remembered(searcher: Searcher) -> None:
    searcher.execution = "auto"
    plan = Plan(root=FUSED, index=searcher.index)
    first = searcher.execute(plan)
    assert searcher.paths == ["POST _search", "POST _msearch"]
    assert searcher.abilities.refused == {"rrf"}
    again = searcher.execute(plan)
    assert searcher.paths == ["POST _msearch"]
    assert again.answer["hits"] == first.answer["hits"]


def test_searches_under_way_at_once_all_learn(searcher: Searcher) -> None:
    """The cluster's refusal reaches the second search after the first has learnt from it."""
    searcher.execution = "auto"

    def another_learns(call: Call) -> None:
        if call.path.endswith("/_search"):
            searcher.abilities.learn(_unknown("rrf"), sent=SENT)

    searcher.before = another_learns
    assert searcher.execute(Plan(root=FUSED, index=searcher.index)).hits
    assert searcher.paths == ["POST _search", "POST _msearch"]


def test_native_execution_repeats_what_the_cluster_says(searcher: Searcher) -> None:
    searcher.execution = "native"
    with pytest.raises(RequestRefused) as refused:
        searcher.execute(Plan(root=FUSED, index=searcher.index))
    assert refused.value.type == "parsing_exception"
    assert refused.value.message == "unknown retriever [rrf]"
    assert refused.value.body()["status"] == 400


@pytest.mark.parametrize(
    ("status", "reason", "runs", "remembered"),
    [
        (200, "", True, True),
        (403, "action [cluster:admin/xpack/query_rules/list] is unauthorized for ...", True, True),
        (401, "missing authentication credentials", True, None),
        (429, "rejected", True, None),
        (503, "no master", True, None),
        (403, "Current license is non-compliant for Query Rules. Current license is ...", False,
         False),
        (403, "action [indices:admin/get] is unauthorized for ...", False, False),
        (400, "Invalid index name [_query_rules], must not start with '_', '-', or '+'", False,
         False),
        (404, "no such index [_query_rules]", False, False),
        (405, "Incorrect HTTP method", False, False),
    ],
)  # fmt: skip
def test_whether_the_cluster_has_query_rules(
    status: int, reason: str, runs: bool, remembered: bool | None
) -> None:
    clock = _Clock()
    abilities = Abilities(clock=clock)
    assert abilities.query_rules is None
    assert abilities.learn_query_rules(status, {"error": {"reason": reason}}) is runs
    assert abilities.query_rules is remembered
    assert abilities.refused == ({"rule"} if remembered is False else set())
    clock.now += REMEMBERED_SECONDS
    assert abilities.query_rules is None


def test_a_licence_that_ends_is_noticed_by_a_search() -> None:
    abilities = Abilities()
    abilities.learn_query_rules(200, {})
    assert abilities.learn(_licence("Query Rules"), sent={"rule"}) == {"rule"}
    assert abilities.query_rules is False
