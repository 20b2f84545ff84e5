"""Recall of an index against exact search, on vectors whose neighbours numpy knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.neighbours import (
    NeighbourCheck,
    NeighbourRecall,
    SampledFilter,
    recommended,
    sampled_filters,
)

COUNT, DIMS = 1500, 64
VECTORS = np.random.default_rng(1).normal(size=(COUNT, DIMS)).astype(np.float32)
VECTORS /= np.linalg.norm(VECTORS, axis=1, keepdims=True)
VECTORS[100] = VECTORS[101]  # equally near to every query
QUERIES = VECTORS[100:130] + 0.05
QUERIES /= np.linalg.norm(QUERIES, axis=1, keepdims=True)


@pytest.fixture
def index(es: Elasticsearch, index_name: str) -> str:
    """A coarsely quantised index; brand `b0` is half of it, `b1` a tenth, `b2` a hundredth."""
    vector = {"type": "dense_vector", "dims": DIMS, "similarity": "cosine"}
    es.indices.create(
        index=index_name,
        settings={"number_of_shards": 1, "number_of_replicas": 0},
        mappings={
            "properties": {
                "brand": {"type": "keyword"},
                "vector": {**vector, "index_options": {"type": "int4_hnsw"}},
            }
        },
    )
    brands = [
        "b2" if n % 100 == 0 else "b1" if n % 10 == 1 else f"b{n % 2 * 3}" for n in range(COUNT)
    ]
    bulk(
        es,
        ({"_id": str(n), "brand": brands[n], "vector": VECTORS[n].tolist()} for n in range(COUNT)),
        index=index_name,
        refresh=True,
    )
    return index_name


def check_of(es: Elasticsearch, index: str) -> NeighbourCheck:
    return NeighbourCheck(
        client=es, index=index, vector_field="vector", query_vectors=QUERIES, k=20
    )


def test_recall_is_measured_against_exact_search(es: Elasticsearch, index: str) -> None:
    filters = sampled_filters(es, index)
    results = check_of(es, index).run([20, 1500], filters)
    found = {(each.filter_name, each.num_candidates): each for each in results}
    assert len(found) == 2 * len(filters)
    for number in (20, 1500):
        assert found["", number].recall_top == pytest.approx(expected(es, index, number), abs=1e-9)
    assert found["", 1500].recall >= found["", 20].recall
    assert found["", 1500].recall_top < 1  # four bits lose some neighbours
    # Few documents are compared one by one, and their first ten are nearly all of them.
    assert found["brand=b2", 20].recall == 1


def expected(es: Elasticsearch, index: str, number: int) -> float:
    """Recall of the first ten, by numpy and with ties counted as found."""
    shares = []
    for query in QUERIES:
        knn = {"field": "vector", "query_vector": query.tolist(), "k": 20, "num_candidates": number}
        ids = [int(hit["_id"]) for hit in es.search(index=index, knn=knn, size=10)["hits"]["hits"]]
        scores = VECTORS @ query
        least = np.sort(scores)[-10] - 1e-6
        shares.append(sum(scores[id_] >= least for id_ in ids) / 10)
    return float(np.mean(shares))


def test_filters_of_each_selectivity_are_sampled(es: Elasticsearch, index: str) -> None:
    filters = {each.name: each.share for each in sampled_filters(es, index)}
    assert filters == pytest.approx(
        {"": 1.0, "brand=b3": 0.4, "brand=b1": 0.1, "brand=b2": 0.01, "brand=b0": 0.49}
    )


def test_vectors_that_are_not_in_the_source_are_refused(es: Elasticsearch, index: str) -> None:
    # An alias is a field like others, but no document contains it.
    es.indices.put_mapping(index=index, properties={"other": {"type": "alias", "path": "vector"}})
    check = replace(check_of(es, index), vector_field="other")
    with pytest.raises(EvaluationError, match="omits the vectors"):
        check.run([100], [SampledFilter("", 1.0, {"match_all": {}})])


def _recall(filter_name: str, number: int, recall: float) -> NeighbourRecall:
    return NeighbourRecall(
        filter_name=filter_name, share=1, num_candidates=number, recall_top=recall, recall=recall,
        p50_ms=1, p95_ms=1,
    )  # fmt: skip


def test_the_least_number_beyond_which_nothing_is_gained_is_recommended() -> None:
    results = [
        _recall("", 100, 0.97), _recall("", 500, 0.99), _recall("", 1000, 0.99),
        _recall("brand=b", 100, 0.9), _recall("brand=b", 500, 0.9), _recall("brand=b", 1000, 0.904),
    ]  # fmt: skip
    assert recommended(results) == 500
    assert recommended(results[3:]) == 100
