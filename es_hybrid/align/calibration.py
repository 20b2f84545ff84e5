"""Compares scores with the truth, and finds thresholds that suit them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.records import PairRecord
from es_hybrid.align.truth import Truth
from es_hybrid.errors import AlignError
from es_hybrid.settings.align import AlignSettings

__all__ = ["Bin", "Calibration", "JudgedPairs", "Point", "calibrate", "judged_pairs"]

_RESAMPLES = 1000
_GRID = np.round(np.arange(0.0, 1.0, 0.01), 2)
_BINS = 10
# Fewer right pairs give an interval too wide for choosing a threshold.
_ENOUGH = 30
# Largest acceptable mean difference between the score and the share of right pairs.
_WELL_CALIBRATED = 0.1
# Largest acceptable loss of F1 at the configured threshold, compared with the best one.
_WELL_CHOSEN = 0.05


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """Scored pairs with a known truth.

    Attributes:
        scores: `[n]` float64 in [0, 1].
        same: `[n]`, whether both are the same product.
        products: `[n]`, number of the left product, because the pairs of one product depend on each
            other.
        missed: Number of the left product of each right pair that blocking missed.
    """

    scores: NDArray[np.float64]
    same: NDArray[np.bool_]
    products: NDArray[np.int64]
    missed: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Point:
    """Precision, recall and F1 of the pairs at and above a threshold.

    Attributes:
        low: The 2.5th percentile of each over resampled products.
        high: The 97.5th percentile of each.
    """

    threshold: float
    precision: float
    recall: float
    f1: float
    low: tuple[float, float, float]
    high: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Bin:
    """Pairs of similar scores: mean score, share of right pairs, number of pairs."""

    score: float
    right: float
    count: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """The result of a calibration.

    Attributes:
        points: At the thresholds of `align.review` and `align.merge`, at the best F1, and at the
            target precision, by these names.
        curve: `[n, 4]`: threshold, precision, recall, F1 over the whole range.
        bins: The reliability curve.
        error: Expected calibration error (Guo et al. 2017), 0 to 1.
        pairs: Number of judged pairs, and of right ones including those that blocking missed.
        warnings: Why the configured thresholds do not fit.
    """

    points: dict[str, Point]
    curve: NDArray[np.float64]
    bins: list[Bin]
    error: float
    pairs: tuple[int, int]
    warnings: list[str]


def judged_pairs(
    records: Iterable[PairRecord], truth: Truth, products: dict[str, str]
) -> JudgedPairs:
    """The scored pairs that the truth covers.

    Args:
        products: Id -> slot (side and language) of every product of the run. A right pair counts
            as missed if both products are there in different slots.

    Raises:
        AlignError: the truth covers too few of them.
    """
    rows, found = [], set()
    numbers: dict[str, int] = {}
    for record in records:
        same = truth.same(record.left_id, record.right_id)
        if same is None:
            continue
        left, right = record.pair
        found.add((left, right) if left <= right else (right, left))
        rows.append((record.score, same, numbers.setdefault(left, len(numbers))))
    missed = [
        numbers.setdefault(left, len(numbers))
        for left, right in truth.right_pairs()
        if (left, right) not in found
        and left in products
        and right in products
        and products[left] != products[right]
    ]
    right_count = sum(same for _, same, _ in rows)
    if not right_count or right_count == len(rows):
        raise AlignError(
            f"{right_count} of the {len(rows)} judged pairs are right; both kinds are needed",
            place="--truth",
            remedy="list ids of this run, with both right and wrong pairs",
        )
    scores, same_, product = zip(*rows, strict=True)
    return JudgedPairs(np.array(scores), np.array(same_), np.array(product), np.array(missed, int))


def calibrate(judged: JudgedPairs, settings: AlignSettings, *, precision: float) -> Calibration:
    """Measure scores against the truth.

    Args:
        precision: Target precision of merged pairs.
    """
    curve = np.array([(t, *_measures(judged, t)) for t in _GRID])
    chosen = {
        "review": settings.review,
        "merge": settings.merge,
        "best F1": float(_GRID[int(np.argmax(curve[:, 3]))]),
    }
    reaching = _GRID[(curve[:, 1] >= precision) & (curve[:, 2] > 0)]
    if len(reaching):
        chosen[f"precision {precision:g}"] = float(reaching[0])
    samples = _resampled(judged, np.array(list(chosen.values())))
    points = {
        name: _point(judged, threshold, samples[:, number])
        for number, (name, threshold) in enumerate(chosen.items())
    }
    bins = _reliability(judged)
    error = sum(abs(b.score - b.right) * b.count for b in bins) / sum(b.count for b in bins)
    return Calibration(
        points=points,
        curve=curve,
        bins=bins,
        error=error,
        pairs=(len(judged.scores), int(judged.same.sum()) + len(judged.missed)),
        warnings=list(_warnings(points, error, judged, precision)),
    )


def _measures(judged: JudgedPairs, threshold: float) -> tuple[float, float, float]:
    """Precision, recall and F1; precision is 1 if nothing is merged."""
    merged = judged.scores >= threshold
    right = int((judged.same & merged).sum())
    total = int(judged.same.sum()) + len(judged.missed)
    return _of_counts(right, int(merged.sum()), total)


def _of_counts(right: int, merged: int, total: int) -> tuple[float, float, float]:
    precision = right / merged if merged else 1.0
    recall = right / total if total else 0.0
    return precision, recall, 2 * right / (merged + total) if merged + total else 0.0


def _resampled(judged: JudgedPairs, thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Measures of resampled products: `[resamples, thresholds, 3]` (Efron 1979), seeded.

    Products are resampled rather than pairs: the pairs of one product depend on each other.
    """
    count = int(max(judged.products.max(), judged.missed.max(initial=0))) + 1
    merged = judged.scores[:, None] >= thresholds
    per_product = np.zeros((3, count, len(thresholds)))
    np.add.at(per_product[0], judged.products, judged.same[:, None] & merged)
    np.add.at(per_product[1], judged.products, merged)
    np.add.at(per_product[2], judged.products, judged.same[:, None])
    np.add.at(per_product[2], judged.missed, 1.0)
    chance = np.random.default_rng(0)
    samples = np.empty((_RESAMPLES, len(thresholds), 3))
    for row in range(_RESAMPLES):
        drawn = np.bincount(chance.integers(count, size=count), minlength=count)
        sums = drawn @ per_product  # [3, thresholds]
        samples[row] = [_of_counts(*map(int, column)) for column in sums.T]
    return samples


def _point(judged: JudgedPairs, threshold: float, samples: NDArray[np.float64]) -> Point:
    low, high = (tuple(np.percentile(samples, share, axis=0).tolist()) for share in (2.5, 97.5))
    return Point(threshold, *_measures(judged, threshold), low, high)


def _reliability(judged: JudgedPairs) -> list[Bin]:
    """Ten bins of equal width, without empty ones."""
    numbers = np.minimum((judged.scores * _BINS).astype(int), _BINS - 1)
    return [
        Bin(float(judged.scores[own].mean()), float(judged.same[own].mean()), int(own.sum()))
        for own in (numbers == number for number in range(_BINS))
        if own.any()
    ]


def _warnings(
    points: dict[str, Point], error: float, judged: JudgedPairs, precision: float
) -> Iterable[str]:
    merge, best = points["merge"], points["best F1"]
    if int(judged.same.sum()) < _ENOUGH:
        yield f"only {int(judged.same.sum())} right pairs: judge more before you choose a threshold"
    if merge.high[0] < precision:
        yield (
            f"{1 - merge.precision:.1%} of the pairs merged at align.merge = {merge.threshold:g} "
            f"are wrong; the target precision is {precision:.0%}"
        )
    if best.f1 - merge.f1 > _WELL_CHOSEN:
        yield (
            f"F1 is {merge.f1:.3f} at align.merge = {merge.threshold:g} and {best.f1:.3f} at "
            f"{best.threshold:g}"
        )
    if error > _WELL_CALIBRATED:
        yield (
            f"scores are off by {error:.2f} on average: they are not probabilities for this "
            "data or model; fit weights with --fit, or choose thresholds from the table"
        )
    if f"precision {precision:g}" not in points:
        yield f"no threshold reaches {precision:.0%} precision"
