"""The sequential test, by exact sums and simulated experiments."""

from __future__ import annotations

import math

import numpy as np
import pytest

from es_hybrid.experiments.sequential import log_evidence, share_interval

DAYS, RUNS = 30, 200


@pytest.mark.parametrize("null", [0.5, 0.1])
def test_the_evidence_of_a_true_null_hypothesis_is_one_on_average(null: float) -> None:
    for trials in (1, 10, 300):
        mean = sum(
            math.exp(
                math.lgamma(trials + 1) - math.lgamma(wins + 1) - math.lgamma(trials - wins + 1)
                + wins * math.log(null) + (trials - wins) * math.log(1 - null)
                + log_evidence(wins, trials - wins, null=null)
            )
            for wins in range(trials + 1)
        )  # fmt: skip
        assert mean == pytest.approx(1)


def _rejected(share: float, *, null: float, seed: int) -> int:
    """Experiments that reject the null hypothesis at any of 30 daily looks."""
    lots = np.random.default_rng(seed)
    rejected = 0
    for _ in range(RUNS):
        wins = np.cumsum(lots.binomial(200, share, DAYS))
        evidence = [
            log_evidence(int(won), 200 * day - int(won), null=null)
            for day, won in enumerate(wins, 1)
        ]
        rejected += max(evidence) >= math.log(20)
    return rejected


@pytest.mark.parametrize("null", [0.5, 0.1])
def test_daily_looks_reject_a_true_null_hypothesis_in_five_percent_at_most(null: float) -> None:
    assert _rejected(null, null=null, seed=3) <= 0.05 * RUNS


def test_a_real_difference_is_found() -> None:
    assert _rejected(0.54, null=0.5, seed=4) >= 0.95 * RUNS


def test_the_interval_contains_the_share_at_every_look() -> None:
    lots = np.random.default_rng(5)
    missed = 0
    for _ in range(RUNS):
        wins = np.cumsum(lots.binomial(200, 0.53, DAYS))
        bounds = [
            share_interval(int(won), 200 * day - int(won), null=0.5)
            for day, won in enumerate(wins, 1)
        ]
        missed += not all(low <= 0.53 <= high for low, high in bounds)
    assert missed <= 0.05 * RUNS


@pytest.mark.parametrize(("wins", "losses"), [(0, 0), (40, 0), (0, 40), (60, 40), (90, 30)])
def test_the_interval_and_the_test_agree(wins: int, losses: int) -> None:
    low, high = share_interval(wins, losses, null=0.5)
    assert 0 <= low <= high <= 1
    assert (not low <= 0.5 <= high) == (log_evidence(wins, losses, null=0.5) >= math.log(20))
