"""Detecting by trial what a cluster supports."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.abilities import Abilities, Execution
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.plan import Child, Knn, Node, Pinned, Plan, Rerank, Rescorer, Rrf, Standard
from tests.retrieval.live import Searcher, vector_of

LEXICAL = Standard(query={"match": {"title": "red"}})
NEAR = Knn(field="embedding", vector=vector_of("red"), k=10, num_candidates=50)
FUSED = Rrf(children=(Child(LEXICAL), Child(NEAR)))


def _licence(feature: str) -> dict[str, Any]:
    return {
        "error": {
            "type": "security_exception",
            "reason": f"current license is non-compliant for [{feature}]",
            "license.expired.feature": feature,
        },
        "status": 403,
    }


@pytest.mark.parametrize(
    ("feature", "kinds"),
    [
        ("Reciprocal Rank Fusion (RRF)", {"rrf"}),
        ("linear retriever", {"linear"}),
        ("text_similarity_reranker", {"text_similarity_reranker"}),
        ("something new", {"rrf", "linear", "text_similarity_reranker", "pinned"}),
    ],
)
def test_a_licence_s_refusal_is_remembered_by_retriever(feature: str, kinds: set[str]) -> None:
    abilities = Abilities()
    assert abilities.learn(403, _licence(feature)) == kinds
    assert abilities.refused == kinds
    # Of two concurrent searches, the second learns nothing new and continues.
    assert abilities.learn(403, _licence(feature)) == kinds


def test_a_licence_s_refusal_inside_a_rescorer_is_a_parsing_error_s_cause() -> None:
    cause = _licence("Reciprocal Rank Fusion (RRF)")["error"]
    reason = "[rescorer] failed to parse field [retriever]"
    error = {"error": {"type": "parsing_exception", "reason": reason, "caused_by": cause}}
    assert Abilities().learn(400, error) == {"rrf"}


def test_a_missing_right_is_no_licence() -> None:
    denied = {"error": {"type": "security_exception", "reason": "action [x] is unauthorized"}}
    abilities = Abilities()
    assert not abilities.learn(403, denied)
    assert not abilities.learn(500, _licence("linear retriever"))
    assert not abilities.learn(400, {"error": {"reason": "unknown field [price]"}})
    assert abilities.refused == set()


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
    refused = Abilities({"rrf", "pinned", "text_similarity_reranker"})
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
            searcher.abilities.refused.add("rrf")

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
