"""Choosing a trial and proving its gain, on simulated values."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.tuning.scores import TrialScores
from es_hybrid.evaluation.tuning.search import PRESENT, Verdict, choose, prove, rungs, work
from es_hybrid.evaluation.tuning.space import SettingsChange
from es_hybrid.evaluation.tuning.split import QuerySplit, split

NOISE = 0.05


def parts_of(queries: int, seed: int) -> QuerySplit:
    return split([(Query(str(number), "x"),) for number in range(queries)], held_out=0.5, seed=seed)


def tuned(
    changes: Sequence[SettingsChange],
    quality: Callable[[SettingsChange], float],
    *,
    queries: int,
    seed: int,
) -> tuple[TrialScores, Verdict]:
    """Queries differ in difficulty, and changes move each of them at random around a quality."""
    difficulty = np.random.default_rng(seed).uniform(0.2, 0.8, queries)

    def measure(query: Query, tried: Sequence[SettingsChange]) -> list[float]:
        return [
            difficulty[int(query.id)]
            + (quality(change) + NOISE * _noise(seed, query, change) if change else 0.0)
            for change in tried
        ]

    parts = parts_of(queries, seed)
    scores = TrialScores(changes, measure)
    trial = choose(scores, parts.tuned)
    return scores, prove(scores, trial, parts.held_out, seed=seed)


def _noise(seed: int, query: Query, change: SettingsChange) -> float:
    key = [seed, int(query.id), *(int(value) for value in change.values())]
    return float(np.random.default_rng(key).normal())


def changes_of(count: int) -> list[SettingsChange]:
    return [{}, *({"search.rank_constant": number} for number in range(1, count))]


def test_settings_that_change_nothing_on_average_are_nearly_never_adopted() -> None:
    adopted = [
        tuned(changes_of(40), lambda change: 0.0, queries=60, seed=seed)[1].adopted
        for seed in range(100)
    ]
    # One-sided 0.5 % of 100; by chance more than 3 in one of 600 such tests.
    assert sum(adopted) <= 3


def test_the_best_of_many_looks_better_only_where_it_was_chosen() -> None:
    scores, verdict = tuned(changes_of(200), lambda change: 0.0, queries=60, seed=3)
    parts = parts_of(60, 3)
    chosen = scores.of(verdict.trial, parts.tuned) - scores.of(PRESENT, parts.tuned)
    assert np.mean(chosen) > 0.015
    assert abs(verdict.gain) < 0.015


def test_a_better_setting_is_found_and_adopted() -> None:
    def quality(change: SettingsChange) -> float:
        return 0.06 if change.get("search.rank_constant") == 17 else -0.02

    scores, verdict = tuned(changes_of(200), quality, queries=120, seed=1)
    assert scores.changes[verdict.trial] == {"search.rank_constant": 17}
    assert verdict.adopted
    assert verdict.interval[0] < verdict.gain < verdict.interval[1]
    assert verdict.p < 0.01


def test_a_gain_on_a_few_queries_proves_nothing() -> None:
    """Of 20 queries, 6 gain and 14 stay: the bootstrap is sure, and six tosses are one in 32."""
    groups = [(Query(str(number), "x"),) for number in range(20)]
    gaining = {str(number) for number in range(6)}

    def measure(query: Query, tried: Sequence[SettingsChange]) -> list[float]:
        return [0.5 + 0.2 * (bool(change) and query.id in gaining) for change in tried]

    verdict = prove(TrialScores([{}, {"search.window": 50}], measure), 1, groups, seed=1)
    assert verdict.interval[0] > 0
    assert 0.02 < verdict.p < 0.05
    assert not verdict.adopted


def test_a_change_that_gains_nothing_is_left_out() -> None:
    parts = parts_of(40, 1)
    changes: list[SettingsChange] = [{}, {"search.rank_constant": 5, "search.window": 50}]

    def measure(query: Query, tried: Sequence[SettingsChange]) -> list[float]:
        return [0.5 + 0.1 * ("search.rank_constant" in change) for change in tried]

    scores = TrialScores(changes, measure)
    assert scores.changes[choose(scores, parts.tuned)] == {"search.rank_constant": 5}


def test_nothing_better_keeps_the_present_settings() -> None:
    _, verdict = tuned(changes_of(30), lambda change: -0.2, queries=60, seed=1)
    assert not verdict.adopted
    assert (verdict.trial, verdict.interval) == (PRESENT, (0, 0))


def test_few_trials_reach_many_queries() -> None:
    assert list(rungs(200, 100)) == [(200, 11), (68, 33), (24, 100)]
    assert list(rungs(200, 20)) == [(200, 20)]
    measured: set[tuple[str, str]] = set()

    def measure(query: Query, tried: Sequence[SettingsChange]) -> list[float]:
        pairs = {(query.id, repr(change)) for change in tried}
        assert measured.isdisjoint(pairs)  # nothing is measured twice
        measured.update(pairs)
        return [0.5 for _ in tried]

    parts = parts_of(200, 1)
    choose(TrialScores(changes_of(200), measure), parts.tuned)
    assert len(measured) == work(200, parts) == 200 * 11 + 68 * 22 + 24 * 67
