"""Disk and memory for vectors, by Elastic's formulas ("Tune approximate kNN search", 9.x)."""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.settings import VectorIndexType

_FLOAT = 4
# Graph links of one vector: 4 bytes each, m = 16.
_LINKS = 4 * 16
# Bytes per dimension and per vector. Quantised vectors are stored in addition to the float vectors,
# which remain on disk for rescoring and merging.
_QUANTISED = {"int8": (1.0, 16), "int4": (0.5, 16), "bbq": (0.125, 14)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorCost:
    """Bytes for one copy of one vector field.

    Attributes:
        raw: Float vectors, on disk.
        quantised: Quantised vectors, on disk and in memory; 0 without quantisation.
        graph: Links of the HNSW graph, on disk and in memory; 0 without a graph.
        memory: Page cache for search at full speed; None for `bbq_disk`, which is read from disk.
    """

    raw: int
    quantised: int
    graph: int
    memory: int | None

    @property
    def disk(self) -> int:
        """Total bytes on disk."""
        return self.raw + self.quantised + self.graph


def vector_cost(vector_type: VectorIndexType, *, documents: int, dims: int) -> VectorCost:
    """The cost of one vector per document.

    >>> vector_cost("int8_hnsw", documents=100_000_000, dims=1024).memory // 2**30
    102
    """
    raw = documents * dims * _FLOAT
    quantisation, _, kind = vector_type.rpartition("_")
    component, each = _QUANTISED.get(quantisation, (0.0, 0))
    quantised = int(documents * (dims * component + each))
    graph = documents * _LINKS if kind == "hnsw" else 0
    memory = None if kind == "disk" else (quantised or raw) + graph
    return VectorCost(raw=raw, quantised=quantised, graph=graph, memory=memory)
