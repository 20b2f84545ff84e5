"""The size of vectors, by Elastic's formulas."""

from __future__ import annotations

import pytest

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
