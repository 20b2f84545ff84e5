"""What a search answers: hits with the rank and score of every stage, totals, facets, timings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from es_hybrid.records import Product


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
        source: The stored document, without its vector.
        product: The product in it, also where the shop has fields of other names.
        stages: Stage (`bm25`, `knn`, `rrf`, `rerank`) -> rank and score there; a stage that did
            not have the hit is absent.
        highlight: Field -> fragments in HTML, with what matched inside `<em>`; only of hits that
            hold the query's words.
        explanation: Elasticsearch's, where it was asked for.
        group: The value of the field that is collapsed.
    """

    id: str
    rank: int
    score: float
    source: Mapping[str, Any]
    product: Product
    stages: Mapping[str, StageRank]
    highlight: Mapping[str, Sequence[str]] = field(default_factory=dict)
    explanation: Mapping[str, Any] | None = None
    group: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchResponse:
    """One page, and the facts of the candidate set it is cut from.

    That set is every product that either leg matched; where the search was sorted, collapsed or
    cut off, it is the best `search.window` of them.

    Attributes:
        total: Products in it.
        groups: Different values of the collapsed field in it; None where nothing is collapsed.
        pages: Pages of this size that can be asked for.
        facets: Field -> value -> count over the same products, the most frequent first; of a
            facet with bounds, range -> count, ascending.
        timings: Stage -> milliseconds; `total` for the whole.
        degraded: What could not be done, e.g. `embedding: cannot be reached`; empty when all was.
        notes: What was left out with reason, e.g. `rerank: the model is for en, this query looks
            like zh`.
        reranked: How many hits the reranker scored.
    """

    hits: list[Hit]
    total: int
    groups: int | None = None
    pages: int = 0
    facets: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    timings: Mapping[str, float] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    reranked: int = 0
