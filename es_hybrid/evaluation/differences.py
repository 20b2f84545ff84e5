"""The difference between two systems on the same queries, and the queries that lose most."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.significance import bootstrap_interval, randomization_test
from es_hybrid.evaluation.stages import StageHit

# Hits that shoppers see first: those judged, shown for a loss and drawn in a distribution.
FIRST = 10

# Values closer than this are a tie: measures are sums of float32 or less exact numbers.
_TIE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How a measure changes from one system to another. Means are over the queries.

    Attributes:
        means: Mean of the measure of the first and of the second system.
        mean: Mean difference, second minus first.
        interval: 95 % bootstrap interval of `mean`.
        p: p-value of the paired randomization test.
        wins: Queries on which the second system is better.
    """

    queries: int
    means: tuple[float, float]
    mean: float
    interval: tuple[float, float]
    p: float
    wins: int
    losses: int
    ties: int


def difference(first: ArrayLike, second: ArrayLike) -> Difference:
    """Compare the values of two systems, [queries] each, in the same order of queries."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    gains = other - one
    gains[abs(gains) < _TIE] = 0.0
    return Difference(
        queries=len(gains),
        means=(_mean(one), _mean(other)),
        mean=_mean(gains),
        interval=bootstrap_interval(gains),
        p=randomization_test(gains),
        wins=int((gains > 0).sum()),
        losses=int((gains < 0).sum()),
        ties=int((gains == 0).sum()),
    )


@dataclass(frozen=True, slots=True)
class ShownHit:
    """One hit of a query that lost; `grade` is None if it was not judged."""

    id: str
    title: str
    grade: int | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A query whose value falls from one system to another, with the first hits of both."""

    query: Query
    before: float
    after: float
    first: Sequence[ShownHit]
    second: Sequence[ShownHit]

    @property
    def change(self) -> float:
        """Below 0."""
        return self.after - self.before


@dataclass
class WorstLosses:
    """Keeps the `limit` largest losses of any number, so that memory is bounded."""

    limit: int
    _heap: list[tuple[float, int, Loss]] = field(default_factory=list)
    _number: itertools.count[int] = field(default_factory=itertools.count)

    def admits(self, change: float) -> bool:
        """Whether a change would be kept."""
        if change >= -_TIE or self.limit == 0:
            return False
        return len(self._heap) < self.limit or -change > self._heap[0][0]

    def add(self, loss: Loss) -> None:
        """Keep a loss if it is among the largest; of equal ones, the first."""
        if self.admits(loss.change):
            entry = (-loss.change, -next(self._number), loss)
            if len(self._heap) < self.limit:
                heapq.heappush(self._heap, entry)
            else:
                heapq.heapreplace(self._heap, entry)

    def worst_first(self) -> list[Loss]:
        """The losses kept, the largest first."""
        return [loss for _, _, loss in sorted(self._heap, key=lambda entry: entry[:2])[::-1]]


def shown_hits(hits: Sequence[StageHit], grades: Mapping[str, int]) -> list[ShownHit]:
    """The first hits, with their grades."""
    return [ShownHit(hit.id, hit.title, grades.get(hit.id)) for hit in hits[:FIRST]]


def _mean(values: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    return float(values.mean()) if len(values) else 0.0
