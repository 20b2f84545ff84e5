"""Texts in `knn` sections and queries, vectors that the cluster builds, and `rank`."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import EmbeddingError, RequestRefused
from tests.retrieval.live import Searcher, vector_of

TEXT = {"text_embedding": {"model_id": "any", "model_text": "red"}}
INPUT = {"embedding": {"inference_id": "any", "input": "red"}}
MATCH = {"match": {"title": "red kettle"}}


def _knn(builder: dict[str, Any] | None = None) -> dict[str, Any]:
    given = {"query_vector": vector_of("red")} if builder is None else {
        "query_vector_builder": builder
    }  # fmt: skip
    return {"field": "embedding", "k": 20, "num_candidates": 400, **given}


# Bodies without a retriever, by the `knn` in them.
BODIES: dict[str, Any] = {
    "a section": lambda knn: {"knn": knn},
    "two sections": lambda knn: {"knn": [knn, {**knn, "k": 3}], "query": MATCH},
    "a query": lambda knn: {"query": {"knn": knn}},
    "inside a bool": lambda knn: {
        "query": {"bool": {"should": [{"knn": knn}, MATCH]}},
        "aggs": {"near": {"filter": {"knn": knn}}},
        "post_filter": {"knn": {**knn, "k": 9}},
    },
    "scored by a function": lambda knn: {
        "query": {"function_score": {"query": {"knn": knn}, "functions": [{"weight": 2}]}}
    },
    "rescored": lambda knn: {
        "query": MATCH, "rescore": {"window_size": 20, "query": {"rescore_query": {"knn": knn}}}
    },
}  # fmt: skip


@pytest.mark.parametrize("builder", [TEXT, INPUT], ids=["text_embedding", "embedding"])
@pytest.mark.parametrize("place", BODIES)
def test_a_body_with_a_text_is_the_cluster_s_with_its_vector(
    searcher: Searcher, place: str, builder: dict[str, Any]
) -> None:
    common = {"_source": False, "size": 15}
    native = searcher.es.search(index=searcher.index, body={**BODIES[place](_knn()), **common})
    found = searcher.answer({**BODIES[place](_knn(builder)), **common})
    assert searcher.paths == ["GET _mapping", "POST _search"]
    assert [need.text for need in searcher.embedded] == ["red"]
    assert {**found.answer, "took": 0} == {**native.body, "took": 0}
    assert found.hits


def test_a_text_inside_a_leaf_of_a_tree(searcher: Searcher) -> None:
    def tree(knn: dict[str, Any]) -> dict[str, Any]:
        leaves = [{"standard": {"query": {"bool": {"must": {"knn": knn}}}}}, {"knn": knn}]
        return {"retriever": {"rrf": {"retrievers": leaves, "filter": {"knn": {**knn, "k": 99}}}}}

    found = searcher.answer(tree(_knn(TEXT)))
    assert [hit["_id"] for hit in found.hits] == [
        hit["_id"] for hit in searcher.answer(tree(_knn())).hits
    ]


def test_a_dead_embedder_leaves_what_others_find(searcher: Searcher) -> None:
    def dead(text: str) -> list[float]:
        raise EmbeddingError("dead")

    searcher.embed = dead
    lexical = searcher.answer({"retriever": {"standard": {"query": MATCH}}, "_source": False})
    should = {"bool": {"should": [MATCH, {"knn": _knn(TEXT)}]}}
    for body in (
        {"query": MATCH, "knn": _knn(TEXT)},
        {"query": should},
        {"query": MATCH, "knn": _knn(TEXT), "rank": {"rrf": {}}},
        {"retriever": {"rrf": {"retrievers": [
            {"standard": {"query": MATCH}}, {"standard": {"query": {"knn": _knn(TEXT)}}}]}}},
    ):  # fmt: skip
        found = searcher.answer({**body, "_source": False})
        assert [hit["_id"] for hit in found.hits] == [hit["_id"] for hit in lexical.hits]
        assert found.degraded == ("embedding: dead",)
    for hopeless in ({"knn": _knn(TEXT)}, {"query": {"bool": {"must_not": {"knn": _knn(TEXT)}}}}):
        with pytest.raises(EmbeddingError):
            searcher.answer(hopeless)
    with pytest.raises(EmbeddingError):
        searcher.answer({"query": should}, degrade=False)


def test_the_cluster_builds_the_vectors_that_are_not_ours(searcher: Searcher) -> None:
    lookup = {"lookup": {"id": "p3", "index": searcher.index, "path": "embedding"}}
    near = {**_knn(), "query_vector": vector_of("p3")}
    for tree in (
        lambda knn: {"knn": knn},
        lambda knn: {"rrf": {"retrievers": [{"knn": knn}, {"standard": {"query": MATCH}}]}},
        lambda knn: {"linear": {"retrievers": [{"retriever": {"knn": knn}, "weight": 2}]}},
    ):
        for _ in range(2):  # the second search of a shard sends its vector leaf as a query
            found = searcher.answer({"retriever": tree(_knn(lookup))})
            expected = searcher.answer({"retriever": tree(near)})
            assert found.hits == expected.hits
            assert found.answer["hits"]["total"] == expected.answer["hits"]["total"]
    assert not searcher.embedded
    with pytest.raises(RequestRefused, match=r"unknown field \[zzz\]"):
        searcher.answer({"retriever": {"rrf": {"retrievers": [{"knn": _knn({"zzz": {}})}]}}})


def test_rank_fuses_as_the_retriever_does(searcher: Searcher) -> None:
    body = {"query": MATCH, "knn": _knn(TEXT), "size": 5, "_source": False,
            "aggs": {"brands": {"terms": {"field": "brand"}}}}  # fmt: skip
    found = searcher.answer({**body, "rank": {"rrf": {"window_size": 30, "rank_constant": 20}}})
    leaves = [{"standard": {"query": MATCH}}, {"knn": _knn(TEXT)}]
    rrf = {"retrievers": leaves, "rank_window_size": 30, "rank_constant": 20}
    kept = {name: body[name] for name in ("size", "_source", "aggs")}
    expected = searcher.answer({**kept, "retriever": {"rrf": rrf}})
    assert found.hits == expected.hits
    assert found.answer["aggregations"] == expected.answer["aggregations"]
    assert len(found.hits) == 5


def test_an_unknown_retriever_is_a_leaf_for_the_cluster(searcher: Searcher) -> None:
    newer: dict[str, Any] = {
        "newer": {
            "retriever": {"standard": {"query": MATCH}},
            "ruleset_ids": ["a"],
            "match_criteria": {"q": "x"},
            "filter": {"term": {"brand": "a"}},
        }
    }
    tree = {"rrf": {
        "retrievers": [{"standard": {"query": MATCH}}, {"retriever": newer, "weight": 2}],
        "filter": {"term": {"brand": "b"}}, "rank_window_size": 20,
    }}  # fmt: skip
    for execution in ("auto", "client"):
        searcher.execution = execution
        with pytest.raises(RequestRefused) as refused:
            searcher.answer({"retriever": tree})
        assert refused.value.body()["error"]["reason"].startswith("unknown retriever [newer]")
        sent: Any = searcher.sent("_msearch").body
        leaf = sent[-1]
        assert leaf["retriever"] == {"newer": {
            **{k: v for k, v in newer["newer"].items() if k != "filter"},
            "filter": [{"term": {"brand": "b"}}, {"term": {"brand": "a"}}],
        }}  # fmt: skip
        assert (leaf["size"], "sort" in leaf) == (20, False)
    assert searcher.abilities.refused == {"rrf"}
