"""Nodes in Elasticsearch's DSL: golden files of leaves, and trees that survive a round trip."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.retrieval.execution.dsl import to_retriever
from es_hybrid.retrieval.execution.requests import leaf_body
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
from es_hybrid.retrieval.retriever_dsl.retrievers import parse_retriever
from tests.golden_files import assert_golden

FILTER: dict[str, Any] = {"term": {"brand": "a"}}
STANDARD: dict[str, Any] = {
    "standard": {
        "query": {"match": {"title": "red"}},
        "filter": [FILTER],
        "min_score": 0.5,
        "_name": "words",
        "sort": ["_score", {"price": "asc"}],
        "collapse": {"field": "brand"},
    }
}
KNN: dict[str, Any] = {
    "knn": {
        "field": "embedding",
        "query_vector": [0.6, 0.8],
        "k": 5,
        "num_candidates": 20,
        "similarity": 0.3,
        "rescore_vector": {"oversample": 2.0},
        "visit_percentage": 10.0,
        "filter": [FILTER],
        "_name": "near",
    }
}
RESCORE = [{"window_size": 50, "query": {"rescore_query": {"match": {"title": "lamp"}}}}]
TREES: dict[str, dict[str, Any]] = {
    "standard": STANDARD,
    "knn": KNN,
    "rrf": {
        "rrf": {
            "retrievers": [{"retriever": STANDARD, "weight": 2.0}, KNN],
            "rank_constant": 20,
            "rank_window_size": 50,
            "filter": [FILTER],
            "_name": "fused",
        }
    },
    "rrf, short": {
        "rrf": {
            "query": "red", "fields": ["title", "brand"],
            "rank_constant": 60, "rank_window_size": 10,
        }
    },
    "linear": {
        "linear": {
            "retrievers": [
                {"retriever": STANDARD, "weight": 2.0, "normalizer": "minmax"},
                {"retriever": KNN, "weight": 1.0, "normalizer": "l2_norm"},
            ],
            "rank_window_size": 50,
            "min_score": 0.2,
        }
    },
    "linear, short": {
        "linear": {
            "query": "red", "fields": ["title^2"], "normalizer": "minmax", "rank_window_size": 10,
        }
    },
    "text_similarity_reranker": {
        "text_similarity_reranker": {
            "retriever": STANDARD,
            "inference_id": "mine",
            "inference_text": "red kettle",
            "field": "title",
            "rank_window_size": 20,
            "allow_rerank_failures": True,
            "min_score": 0.1,
        }
    },
    "pinned by id": {
        "pinned": {"retriever": STANDARD, "ids": ["1", "2"], "rank_window_size": 10}
    },
    "pinned by document": {
        "pinned": {
            "retriever": STANDARD, "docs": [{"_index": "a", "_id": "1"}], "rank_window_size": 10,
        }
    },
    "rescorer": {"rescorer": {"retriever": STANDARD, "rescore": RESCORE, "_name": "again"}},
}  # fmt: skip


@pytest.mark.parametrize("name", TREES)
def test_a_tree_is_written_as_it_was_read(name: str) -> None:
    assert to_retriever(parse_retriever(TREES[name])) == TREES[name]


def test_leaves() -> None:
    words = Standard(query={"match": {"title": "red"}}, filters=(FILTER,), name="words")
    near = Knn(field="embedding", vector=[0.6, 0.8], k=5, num_candidates=20, filters=(FILTER,))
    leaves: dict[str, Node] = {
        "standard": words,
        "standard without a query": Standard(filters=(FILTER,)),
        "standard without anything": Standard(),
        "knn": near,
        "rescorer": Rescorer(child=words, rescore=RESCORE, filters=({"term": {"stock": 1}},)),
        "rescorer of knn": Rescorer(child=near, rescore=RESCORE),
        "a whole tree": Rrf(children=(Child(words), Child(near, 0.7))),
    }
    assert_golden("leaf_bodies", {name: leaf_body(node) for name, node in leaves.items()})


def test_what_only_es_hybrid_knows_is_never_written() -> None:
    tree = Pinned(
        child=Rerank(
            child=Standard(query={"match_all": {}}, alone={"match_none": {}}, label="bm25"),
            text="x", field="title", keep_rest=True, instruction="judge",
        ),
        documents=((None, "1"),),
        filtered=True,
    )  # fmt: skip
    told = str(to_retriever(tree))
    for word in ("alone", "label", "keep_rest", "instruction", "filtered", "bm25"):
        assert word not in told
