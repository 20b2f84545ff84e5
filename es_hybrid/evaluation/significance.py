"""Whether a difference between two systems on the same queries is more than chance.

Both take one difference per query, in any unit, and are seeded: the same differences give the same
figures. Queries count as a random sample of the shop's queries; if they are not, neither figure
says anything about the others.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

# Enough for a p-value of .05 to vary by .002 from seed to seed.
DRAWS = 10_000
SEED = 1
# Numbers drawn at a time, which bounds memory at some 20 MB for any number of queries.
_BATCH = 1_000_000


def bootstrap_interval(
    differences: ArrayLike, *, confidence: float = 0.95, seed: int = SEED, draws: int = DRAWS
) -> tuple[float, float]:
    """Interval of the mean difference, by resampling the queries with replacement.

    The percentiles are widened as the normal interval is by Student's t, because plain percentiles
    are too narrow for few queries (Hesterberg 2015).

    Args:
        differences: One per query, [queries].
        confidence: Share of such intervals that contain the true mean, in (0, 1).
        draws: Number of resamples.

    Returns:
        (low, high); infinite on both sides for fewer than two queries, which say nothing about
        others.
    """
    values = np.asarray(differences, np.float64)
    if len(values) < 2:
        return -math.inf, math.inf
    chance = np.random.default_rng(seed)
    means = np.concatenate(
        [
            values[chance.integers(len(values), size=(rows, len(values)))].mean(axis=1)
            for rows in _batches(draws, len(values))
        ]
    )
    tail = _tail((1 - confidence) / 2, len(values))
    low, high = np.quantile(means, [tail, 1 - tail])
    return float(low), float(high)


def randomization_test(differences: ArrayLike, *, seed: int = SEED, draws: int = DRAWS) -> float:
    """Two-sided p-value of the mean difference, by swapping the systems query by query at random.

    This is the paired randomization test (Smucker et al. 2007).

    Args:
        differences: One per query, [queries].
        draws: Number of random swaps; the smallest possible p-value is 1 / (draws + 1).
    """
    values = np.asarray(differences, np.float64)
    values = values[values != 0]  # swapping equal values changes nothing
    if not len(values):
        return 1.0
    chance = np.random.default_rng(seed)
    # Sums of the same numbers in another order differ in their last bits.
    observed = abs(values.sum()) * (1 - 1e-12)
    extreme = sum(
        int((abs(_swapped(values, chance, rows)) >= observed).sum())
        for rows in _batches(draws, len(values))
    )
    return (extreme + 1) / (draws + 1)


def _swapped(
    values: NDArray[np.float64], chance: np.random.Generator, rows: int
) -> NDArray[np.float64]:
    """Sums of the values under random signs, [rows]."""
    signs = chance.integers(2, size=(rows, len(values)), dtype=np.int8)
    return (2.0 * signs - 1.0) @ values


def _batches(draws: int, width: int) -> Iterator[int]:
    rows = max(1, _BATCH // width)
    for start in range(0, draws, rows):
        yield min(rows, draws - start)


def _tail(tail: float, count: int) -> float:
    """The share of a normal distribution beyond Student's quantile of this tail."""
    t = _student(-NormalDist().inv_cdf(tail), count - 1)
    return NormalDist().cdf(-t * math.sqrt(count / (count - 1)))


def _student(z: float, freedom: int) -> float:
    """Student's quantile by the expansion of Cornish and Fisher from the normal quantile."""
    terms = (
        z,
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return sum(term / float(freedom) ** power for power, term in enumerate(terms))
