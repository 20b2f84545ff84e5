"""Intervals cover at their rate, and the test rejects at its level, in simulation."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.evaluation.significance import bootstrap_interval, randomization_test

Sample = Callable[[np.random.Generator, int], NDArray[np.float64]]


def _mostly_ties(chance: np.random.Generator, count: int) -> NDArray[np.float64]:
    """As two rankings differ: equal on most queries, with few large gains."""
    gains = chance.beta(2, 5, count) - 0.15
    return np.where(chance.random(count) < 0.6, 0.0, gains)


DISTRIBUTIONS: dict[str, tuple[Sample, float]] = {
    "normal": (lambda chance, count: chance.normal(0.05, 0.2, count), 0.05),
    "mostly ties": (_mostly_ties, 0.4 * (2 / 7 - 0.15)),
    "skewed": (lambda chance, count: chance.exponential(1, count), 1.0),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
@pytest.mark.parametrize("confidence", [0.95, 0.8])
def test_intervals_cover_the_true_mean_at_their_rate(name: str, confidence: float) -> None:
    draw, mean = DISTRIBUTIONS[name]
    chance = np.random.default_rng(7)
    covered = 0
    for seed in range(500):
        sample = draw(chance, 100)
        low, high = bootstrap_interval(sample, confidence=confidence, seed=seed, draws=1000)
        covered += low <= mean <= high
    # The rate of 500 draws has a standard error of .010 at .95, and of .018 at .8.
    assert covered / 500 == pytest.approx(confidence, abs=0.02 if confidence == 0.95 else 0.036)


def test_equal_systems_differ_significantly_at_the_level_of_the_test() -> None:
    chance = np.random.default_rng(3)
    values = [
        randomization_test(_mostly_ties(chance, 60) - _mostly_ties(chance, 60), draws=1000)
        for _ in range(500)
    ]
    assert np.mean(np.array(values) <= 0.05) == pytest.approx(0.05, abs=0.02)


def test_the_p_value_is_that_of_all_swaps() -> None:
    differences = [0.3, -0.1, 0.25, 0.4, 0.0, -0.05, 0.2]
    sums = [
        abs(math.fsum(sign * value for sign, value in zip(signs, differences, strict=True)))
        for signs in itertools.product([1, -1], repeat=len(differences))
    ]
    exact = sum(each >= 1.0 - 1e-9 for each in sums) / len(sums)
    assert randomization_test(differences) == pytest.approx(exact, abs=0.01)


def test_figures_are_the_same_for_the_same_seed() -> None:
    sample = _mostly_ties(np.random.default_rng(1), 40)
    assert bootstrap_interval(sample, seed=5) == bootstrap_interval(sample, seed=5)
    assert bootstrap_interval(sample, seed=5) != bootstrap_interval(sample, seed=6)
    assert randomization_test(sample, seed=5) == randomization_test(sample, seed=5)


def test_few_queries_say_nothing() -> None:
    assert bootstrap_interval([0.5]) == (-math.inf, math.inf)
    assert randomization_test([]) == randomization_test([0.0, 0.0]) == 1.0


def test_many_queries_narrow_the_interval() -> None:
    sample = np.random.default_rng(1).normal(0.01, 0.1, 20_000)
    low, high = bootstrap_interval(sample, draws=200)
    assert 0 < low < 0.01 < high < 0.02
    assert randomization_test(sample, draws=200) == pytest.approx(1 / 201)
