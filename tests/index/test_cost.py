"""The size of vectors, by Elastic's formulas."""

from __future__ import annotations

import numpy as np
import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk, pack_dense_vector

from benchmarks.vector_size import vector_bytes
from es_hybrid.index.cost import vector_cost
from es_hybrid.settings import VectorIndexType


@pytest.mark.parametrize(
    ("vector_type", "quantised", "graph", "memory"),
    [
        ("hnsw", 0, 64_000, 4_096_000 + 64_000),
        ("int8_hnsw", 1_040_000, 64_000, 1_104_000),
        ("int4_hnsw", 528_000, 64_000, 592_000),
        ("bbq_hnsw", 142_000, 64_000, 206_000),
        ("flat", 0, 0, 4_096_000),
        ("int8_flat", 1_040_000, 0, 1_040_000),
        ("bbq_disk", 142_000, 0, None),
    ],
)
def test_a_thousand_vectors_of_1024_dims(
    vector_type: VectorIndexType, quantised: int, graph: int, memory: int | None
) -> None:
    cost = vector_cost(vector_type, documents=1000, dims=1024)
    assert (cost.raw, cost.quantised, cost.graph) == (4_096_000, quantised, graph)
    assert cost.memory == memory
    assert cost.disk == 4_096_000 + quantised + graph


# bbq_hnsw builds no graph for so few vectors.
@pytest.mark.parametrize("vector_type", ["hnsw", "int8_hnsw", "int4_hnsw", "int8_flat"])
def test_the_formula_is_never_below_the_files_of_an_index_and_at_most_a_tenth_above(
    es: Elasticsearch, index_name: str, vector_type: VectorIndexType
) -> None:
    documents, dims = 2000, 64
    vectors = np.random.default_rng(21).standard_normal((documents, dims)).astype(np.float32)
    vector = {"type": "dense_vector", "dims": dims, "index_options": {"type": vector_type}}
    es.indices.create(
        index=index_name,
        settings={"number_of_replicas": 0, "refresh_interval": "-1"},
        mappings={"properties": {"embedding": vector}},
    )
    bulk(es, ({"_index": index_name, "embedding": pack_dense_vector(each)} for each in vectors))
    es.indices.forcemerge(index=index_name, max_num_segments=1)
    es.indices.refresh(index=index_name)
    sizes = vector_bytes(es, index_name)
    cost = vector_cost(vector_type, documents=documents, dims=dims)
    assert (sizes["raw"], sizes["quantised"]) == (cost.raw, cost.quantised)
    assert bool(sizes["graph"]) == bool(cost.graph)
    assert sum(sizes.values()) <= cost.disk <= 1.1 * sum(sizes.values())
