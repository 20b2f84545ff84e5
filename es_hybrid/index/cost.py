"""What vectors cost in bytes, by Elastic's formulae ("Tune approximate kNN search", 9.x)."""

from __future__ import annotations

from dataclasses import dataclass

from es_hybrid.settings import VectorIndexType

_FLOAT = 4
# Links of one vector in the graph: 4 bytes each, m = 16.
_LINKS = 4 * 16
# Bytes of a component, and of what belongs to each vector, as they are searched. Quantised vectors
# lie beside the float ones, which stay on disk for rescoring and merging.
_QUANTISED = {"int8": (1.0, 16), "int4": (0.5, 16), "bbq": (0.125, 14)}


@dataclass(frozen=True, slots=True, kw_only=True)
class VectorCost:
    """Bytes of one copy of one vector field.

    Attributes:
        raw: The float vectors, on disk.
        quantised: What is searched in their place, on disk and in memory; 0 where nothing is.
        graph: The links of the HNSW graph, on disk and in memory; 0 where there is none.
        memory: Of the page cache for searching at full speed; None for `bbq_disk`, which is made
            to be read from disk.
    """

    raw: int
    quantised: int
    graph: int
    memory: int | None

    @property
    def disk(self) -> int:
        """All of it."""
        return self.raw + self.quantised + self.graph


def vector_cost(vector_type: VectorIndexType, *, documents: int, dims: int) -> VectorCost:
    """The cost of a vector for each of `documents`.

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
