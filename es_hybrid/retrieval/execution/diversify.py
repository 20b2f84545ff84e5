"""Maximal marginal relevance over stored vectors, as in Elasticsearch's `diversify`.

Carbonell and Goldstein, "The use of MMR, diversity-based reranking for reordering documents and
producing summaries", SIGIR 1998.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.nodes import Diversify
from es_hybrid.retrieval.plan import Key

Floats = NDArray[np.float32]


def diversified(
    node: Diversify, ranking: Ranking, vectors: Mapping[Key, Sequence[float]]
) -> Ranking:
    """The hits that are chosen, in their order and with their scores.

    Args:
        ranking: The child's window, best first.
        vectors: `[dims]` numbers of each hit that has a vector; the others are dropped.
    """
    known = [hit for hit in ranking if hit.key in vectors]
    if not known:
        return []
    stored = np.array([vectors[hit.key] for hit in known], dtype=np.float32)
    assert not isinstance(node.vector, str)
    relevance = (
        np.zeros(len(known), dtype=np.float32)
        if node.vector is None
        else similarity(stored, np.array(node.vector, dtype=np.float32))
    )
    assert node.lambda_ is not None
    first = [int(np.argmax(relevance))]
    return [known[at] for at in sorted(chosen(stored, relevance, node.lambda_, node.size, first))]


def similarity(vectors: Floats, other: Floats) -> Floats:
    """Lucene's score for the maximum inner product, `[n]` float32, greater than 0.

    Args:
        vectors: `[n, dims]` float32.
        other: `[dims]` float32.
    """
    # Row by row: a matrix product may round equal rows differently, and their tie would be lost.
    dots = np.einsum("ij,j->i", vectors, other)
    below: Floats = np.float32(1) / (np.float32(1) - np.minimum(dots, np.float32(0)))
    return np.where(dots < 0, below, dots + np.float32(1))


def chosen(
    stored: Floats,
    relevance: Floats,
    weight: float,
    size: int,
    first: Sequence[int],
    alike: Callable[[Floats, Floats], Floats] = similarity,
) -> list[int]:
    """The places of the hits that are chosen, the best at each step; of equal ones the first.

    Args:
        stored: `[n, dims]` float32.
        relevance: `[n]` float32.
        weight: 0 to 1: of relevance against the similarity to the nearest chosen hit.
        size: Number of hits to choose.
        first: The places chosen before, at least one.
        alike: Similarity of `[n, dims]` vectors to a `[dims]` vector.
    """
    lambda_ = np.float32(weight)
    places = list(first)
    nearest = np.full(len(stored), -np.inf, dtype=np.float32)
    for place in places[:-1]:
        nearest = np.maximum(nearest, alike(stored, stored[place]))
    while len(places) < min(size, len(stored)):
        nearest = np.maximum(nearest, alike(stored, stored[places[-1]]))
        marginal = lambda_ * relevance - (np.float32(1) - lambda_) * nearest
        marginal[places] = -np.inf
        places.append(int(np.argmax(marginal)))
    return places


def vectors_of(hits: Mapping[Key, Mapping[str, Any]], field: str) -> dict[Key, Sequence[float]]:
    """The stored vector of each hit that has one."""
    found = {key: hit.get("fields", {}).get(field) for key, hit in hits.items()}
    return {key: values for key, values in found.items() if _is_vector(values)}


def _is_vector(values: Any) -> bool:
    """Elasticsearch takes the value of any other field for no vector."""
    return bool(values) and isinstance(values[0], int | float) and not isinstance(values[0], bool)
