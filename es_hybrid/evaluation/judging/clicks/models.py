"""Relevance from counts of clicks, without the advantage of the upper ranks.

COEC, clicks over expected clicks (Zhang and Jones 2007): a pair's clicks, divided by those that
average results at the same ranks get. It assumes that average results are equally relevant at every
rank, so a good ranking makes it stricter with the results at the top.

The position-based model (Craswell et al. 2008; EM after Chuklin, Markov and de Rijke 2015): a click
is an examination of the rank and an attraction by the result, independent of each other and of the
other results. It can separate both only if pairs were shown at several ranks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.judging.clicks.counts import ClickCounts

_Floats = NDArray[np.float64]

_ITERATIONS = 500
# Largest change of an examination probability in an iteration at which EM ends.
_TOLERANCE = 1e-5
# Clicks at the average rate of carts and orders that are added to those of each pair.
_CONVERSION_PRIOR = 10.0


@dataclass(frozen=True, slots=True)
class ClickRelevance:
    """What a model makes of a log.

    Attributes:
        relevance: `[pairs]`; 1 is a pair as attractive as the average.
        examination: `[ranks]`: for COEC the click rate at each rank, for the position-based model
            the probability that it is looked at, relative to the best rank.
        iterations: Of EM; 0 without.
    """

    relevance: _Floats
    examination: _Floats
    iterations: int = 0


def coec(counts: ClickCounts, *, smoothing: float) -> ClickRelevance:
    """Clicks over expected clicks.

    Args:
        smoothing: Expected clicks, clicked as expected, that are added to those of each pair.
    """
    rates = counts.by_rank(counts.clicked) / counts.by_rank(counts.shown)
    expected = counts.by_pair(counts.shown * rates[counts.rank])
    relevance = (counts.clicked_of_pair + smoothing) / (expected + smoothing)
    return ClickRelevance(relevance, rates)


def position_based(counts: ClickCounts, *, smoothing: float) -> ClickRelevance:
    """The position-based model, fitted by EM.

    Args:
        smoothing: Clicks at the average attraction that are added to those of each pair.
    """
    examination = np.full(len(counts.ranks), 0.5)
    attraction = np.full(len(counts.pairs), 0.5)
    shown_of_pair, shown_of_rank = counts.shown_of_pair, counts.by_rank(counts.shown)
    clicks = counts.clicked.sum()
    unclicked = counts.shown - counts.clicked
    iterations = 0
    while iterations < _ITERATIONS:
        iterations += 1
        seen, attracted = examination[counts.rank], attraction[counts.pair]
        no_click = np.maximum(1 - seen * attracted, 1e-12)
        # Of the impressions without a click: those examined, and those attractive.
        examined = counts.clicked + unclicked * seen * (1 - attracted) / no_click
        attractive = counts.clicked + unclicked * attracted * (1 - seen) / no_click
        average = clicks / (counts.shown * seen).sum()
        attraction = (counts.by_pair(attractive) + smoothing) / (
            shown_of_pair + smoothing / average
        )
        before, examination = examination, counts.by_rank(examined) / shown_of_rank
        if np.abs(examination - before).max() < _TOLERANCE:
            break
    best = examination.max()
    examination = examination / best
    average = clicks / (counts.shown * examination[counts.rank]).sum()
    return ClickRelevance(attraction * best / average, examination, iterations)


def with_conversion(
    relevance: _Floats, counts: ClickCounts, *, cart_weight: float, order_weight: float
) -> _Floats:
    """`[pairs]` relevance, higher where more clicks than the average end in a cart or an order.

    A click that did is assumed not to depend on the rank any more.

    Args:
        cart_weight: What a click with a cart counts in addition, in clicks.
        order_weight: What an order counts in addition to its cart.
    """
    clicks = counts.clicked_of_pair
    average = (cart_weight * counts.carted + order_weight * counts.ordered).sum() / clicks.sum()
    gained = cart_weight * counts.carted + order_weight * counts.ordered
    rate = (gained + _CONVERSION_PRIOR * average) / (clicks + _CONVERSION_PRIOR)
    converted: _Floats = relevance * (1 + rate) / (1 + average)
    return converted
