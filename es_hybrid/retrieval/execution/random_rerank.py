"""The order of Elasticsearch's `random_reranker`: a score from each document's position."""

from __future__ import annotations

import zlib

from es_hybrid.retrieval.execution.fuse import Ranked, Ranking
from es_hybrid.retrieval.execution.requests import NO_PLACE

# Java's `Random`, a linear congruential generator of 48 bits.
_MULTIPLIER, _INCREMENT, _STATE = 0x5DEECE66D, 0xB, (1 << 48) - 1
_FLOAT_BITS = 24
_INT = 1 << 32
# A place also has the number of the shard, above the position.
_POSITION = (1 << 32) - 1


def shuffled(ranking: Ranking, seed: int | None) -> Ranking:
    """The hits by descending random scores in [0, 1)."""
    scored = [hit._replace(score=_score(hit, seed or 0)) for hit in ranking]
    return sorted(scored, key=lambda hit: -hit.score)


def _score(hit: Ranked, seed: int) -> float:
    place, _ = hit.place
    # A leaf that is a retriever does not say where its documents are.
    position = zlib.crc32(hit.key.id.encode()) if place == NO_PLACE else place & _POSITION
    return next_float(_as_int(seed + position))


def next_float(seed: int) -> float:
    """The first `nextFloat()` of Java's `new Random(seed)`."""
    state = (seed ^ _MULTIPLIER) & _STATE
    state = (state * _MULTIPLIER + _INCREMENT) & _STATE
    return (state >> (48 - _FLOAT_BITS)) / (1 << _FLOAT_BITS)


def _as_int(value: int) -> int:
    """A sum of two of Java's `int`."""
    return (value + _INT // 2) % _INT - _INT // 2
