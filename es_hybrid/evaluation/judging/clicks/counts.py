"""Logged searches, and what is counted of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from es_hybrid.errors import EvaluationError

ShopperAction = Literal["click", "cart", "order"]
ACTIONS: tuple[ShopperAction, ...] = ("click", "cart", "order")
"""In ascending order: an order implies a cart, and a cart a click."""

_Floats = NDArray[np.float64]
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class LoggedSearch:
    """One page of results that a shopper saw.

    Attributes:
        shown: (document, rank) of each result; a rank is any number that names the position.
        actions: Document -> the strongest action on it.
        attributes: What UBI's `query_attributes` say.
        time: UBI's timestamp.
    """

    query: str
    shown: Sequence[tuple[str, int]]
    actions: Mapping[str, ShopperAction]
    attributes: Mapping[str, Any] = field(default_factory=dict)
    time: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClickCounts:
    """Counts of a log; `n` cells, each a (query, document) pair at one rank.

    Attributes:
        searches: Number of logged searches.
        pairs: (query, document) of each pair.
        ranks: The ranks, ascending.
        pair: `[n]`, index into `pairs`.
        rank: `[n]`, index into `ranks`.
        shown: `[n]`, impressions.
        clicked: `[n]`, impressions with a click, a cart or an order.
        carted: `[pairs]`, impressions with a cart or an order.
        ordered: `[pairs]`, impressions with an order.
    """

    searches: int
    pairs: Sequence[tuple[str, str]]
    ranks: Sequence[int]
    pair: _Ints
    rank: _Ints
    shown: _Floats
    clicked: _Floats
    carted: _Floats
    ordered: _Floats

    @property
    def shown_of_pair(self) -> _Floats:
        """`[pairs]`, impressions at all ranks."""
        return self.by_pair(self.shown)

    @property
    def clicked_of_pair(self) -> _Floats:
        """`[pairs]`, clicks at all ranks."""
        return self.by_pair(self.clicked)

    @property
    def moved(self) -> float:
        """Share of the impressions whose pair was shown at two ranks or more, in [0, 1]."""
        several = np.bincount(self.pair, minlength=len(self.pairs)) > 1
        return float(self.shown[several[self.pair]].sum() / self.shown.sum())

    def by_pair(self, values: _Floats) -> _Floats:
        """`[n]` values added up by pair."""
        return np.bincount(self.pair, values, minlength=len(self.pairs)).astype(np.float64)

    def by_rank(self, values: _Floats) -> _Floats:
        """`[n]` values added up by rank."""
        return np.bincount(self.rank, values, minlength=len(self.ranks)).astype(np.float64)


def count(searches: Iterable[LoggedSearch]) -> ClickCounts:
    """Count a log. Memory grows with the different (query, document, rank), not with the log.

    Raises:
        EvaluationError: nothing was shown, or nothing was clicked.
    """
    cells: dict[tuple[int, int], list[int]] = {}
    pairs: dict[tuple[str, str], int] = {}
    stronger: dict[int, list[int]] = {}
    number = 0
    for search in searches:
        number += 1
        for document, rank in search.shown:
            pair = pairs.setdefault((search.query, document), len(pairs))
            cell = cells.setdefault((pair, rank), [0, 0])
            cell[0] += 1
            if action := search.actions.get(document):
                cell[1] += 1
                strength = ACTIONS.index(action)
                found = stronger.setdefault(pair, [0, 0])
                found[0] += strength >= 1
                found[1] += strength >= 2
    if not any(clicks for _, clicks in cells.values()):
        raise EvaluationError(
            "no result was shown and clicked", place="log", remedy="use a log with clicks"
        )
    return _counts(number, list(pairs), cells, stronger)


def _counts(
    searches: int,
    pairs: Sequence[tuple[str, str]],
    cells: Mapping[tuple[int, int], list[int]],
    stronger: Mapping[int, list[int]],
) -> ClickCounts:
    keys, values = np.array(list(cells)), np.array(list(cells.values()), dtype=float)
    ranks, rank = np.unique(keys[:, 1], return_inverse=True)
    bought = np.zeros((len(pairs), 2))
    if stronger:
        bought[list(stronger)] = list(stronger.values())
    return ClickCounts(
        searches=searches,
        pairs=pairs,
        ranks=ranks.tolist(),
        pair=keys[:, 0],
        rank=rank,
        shown=values[:, 0],
        clicked=values[:, 1],
        carted=bought[:, 0],
        ordered=bought[:, 1],
    )
