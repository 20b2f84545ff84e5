"""What a search answers: hits with the rank and score of every stage, totals, facets, timings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple


class StageRank(NamedTuple):
    """Where one stage put a hit: rank from 1, and the stage's own score."""

    rank: int
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """One product found.

    Attributes:
        rank: From 1, over all pages.
        score: Of the stage that decided the order: the reranker's in [0, 1], else the fused or
            the leg's own.
        source: The stored product, without its vector.
        stages: Stage (`bm25`, `knn`, `rrf`, `rerank`) -> rank and score there; a stage that did
            not have the hit is absent.
    """

    id: str
    rank: int
    score: float
    source: Mapping[str, Any]
    stages: Mapping[str, StageRank]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResponse:
    """One page, and the facts of the candidate set it is cut from.

    Attributes:
        total: Products matched by either leg.
        facets: Field -> value -> count over the same products, the most frequent first.
        timings: Stage -> milliseconds.
        degraded: What could not be done, e.g. `embedding: cannot be reached`; empty when all was.
        reranked: How many hits the reranker scored.
    """

    hits: list[Hit]
    total: int
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    reranked: int = 0
