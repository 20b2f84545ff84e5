"""The dims lab: its scratch index, recall, and the choice of dims and type."""

from __future__ import annotations

import numpy as np
import pytest
from elasticsearch import BadRequestError, Elasticsearch

from es_hybrid.evaluation.dims import SCRATCH_PREFIX, DimsLab, DimsResult, choose, recall
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.vectors import VectorSample
from es_hybrid.settings import VectorIndexType


def scratch_indices(es: Elasticsearch) -> list[str]:
    return list(es.indices.get(index=f"{SCRATCH_PREFIX}*"))


def test_the_scratch_index_is_deleted_after_an_error(es: Elasticsearch) -> None:
    vectors = np.eye(2, 64, dtype=np.float32)
    lab = DimsLab(
        client=es,
        # Elasticsearch rejects the bulk request: an id has at most 512 bytes.
        sample=VectorSample(["1", "2" * 600], ["a", "b"], vectors, 2),
        queries=[Query("1", "a")],
        query_vectors=vectors[:1],
        qrels={"1": {"1": 1}},
        similarity="cosine",
        num_candidates=100,
        packs_vectors=True,
    )
    with pytest.raises(BadRequestError, match="too long"):
        lab.run([64], ["hnsw"])
    assert not scratch_indices(es)


def test_recall_is_the_share_of_the_wanted_ids() -> None:
    assert recall([["a", "b"], ["c"]], [["b", "x"], ["c"]], depth=2) == 0.75
    assert recall([["a", "b"]], [["b"]], depth=1) == 0.0
    assert recall([], [], depth=10) == 0.0


def _result(dims: int, kind: VectorIndexType, ndcg: float, memory: int) -> DimsResult:
    return DimsResult(
        dims=dims, vector_type=kind, ndcg=ndcg, recall_10=1, recall_100=1, kept=1, p50_ms=1,
        p95_ms=1, memory_bytes=memory, disk_bytes=memory, index_bytes=memory,
    )  # fmt: skip


def test_the_least_memory_within_the_tolerance_is_chosen() -> None:
    results = [
        _result(512, "flat", 0.700, 9),
        _result(512, "hnsw", 0.700, 10),
        _result(512, "bbq_hnsw", 0.692, 2),
        _result(256, "flat", 0.695, 1),
        _result(256, "bbq_hnsw", 0.689, 1),
    ]
    assert choose(results) is results[2]
    # Exact search is never chosen.
    assert choose(results[3:]) is results[4]
