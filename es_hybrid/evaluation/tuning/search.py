"""Choose the best trial on some queries, and measure its gain on others.

Successive halving (Jamieson and Talwalkar 2016): all trials on a few queries, the best third on
three times as many, and so on. The gain is measured once, for the one trial chosen, on queries that
had no part in the choice; otherwise the best of 200 settings would look better by luck alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from es_hybrid.evaluation.significance import bootstrap_interval, randomization_test
from es_hybrid.evaluation.tuning.scores import TrialScores
from es_hybrid.evaluation.tuning.split import Group, QuerySplit

# Number of the present settings among the trials.
PRESENT = 0
# With intervals of 95 %, 3 of 50 splits of chorus-icecat adopted a loss, with those of 99 % still
# one (benchmarks/results/tune.txt): where few queries differ, a bootstrap interval is too narrow.
CONFIDENCE = 0.99
# One of so many trials survives a rung.
_ETA = 3
# Groups on the first rung, at least; fewer choose by luck.
_FIRST_RUNG = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What tuning found.

    Attributes:
        trial: The best trial on the tuned part; `PRESENT` if none is better.
        before, after: Mean of the present settings and of the trial on the held-out part; a mean
            over groups, in [0, 1].
        interval: Of the gain on the held-out part, at `CONFIDENCE`.
        p: Of the randomization test on the same differences.
    """

    trial: int
    before: float
    after: float
    interval: tuple[float, float]
    p: float

    @property
    def adopted(self) -> bool:
        """Whether the trial is better with confidence, by the interval and by the test."""
        return self.trial != PRESENT and self.interval[0] > 0 and self.p <= 1 - CONFIDENCE

    @property
    def gain(self) -> float:
        """Difference of the means."""
        return self.after - self.before


def rungs(trials: int, groups: int) -> Iterator[tuple[int, int]]:
    """How many trials are measured on how many groups, rung by rung."""
    ends = [groups]
    while ends[0] // _ETA >= _FIRST_RUNG:
        ends.insert(0, ends[0] // _ETA)
    for end in ends:
        yield trials, end
        trials = min(trials, math.ceil(trials / _ETA) + 1)


def work(trials: int, parts: QuerySplit) -> int:
    """Number of values that choosing needs, an estimate of its time."""
    queries = [len(group) for group in parts.tuned]
    count, before = 0, 0
    for number, end in rungs(trials, len(parts.tuned)):
        count += number * sum(queries[before:end])
        before = end
    return count


def choose(scores: TrialScores, groups: Sequence[Group]) -> int:
    """The best trial on these groups, with no change more than it needs."""
    trials = list(range(scores.drawn))
    for number, end in rungs(len(trials), len(groups)):
        trials = _survivors(trials, number)
        scores.require(trials, groups[:end])
        trials = _best_first(scores, trials, groups[:end])
    return _simplest(scores, trials[0], groups)


def prove(scores: TrialScores, trial: int, groups: Sequence[Group], *, seed: int) -> Verdict:
    """The gain of a trial on groups that it was not chosen on."""
    scores.require({PRESENT, trial}, groups)
    before, after = scores.of(PRESENT, groups), scores.of(trial, groups)
    return Verdict(
        trial=trial,
        before=float(np.mean(before)),
        after=float(np.mean(after)),
        interval=bootstrap_interval(after - before, confidence=CONFIDENCE, seed=seed),
        p=randomization_test(after - before, seed=seed),
    )


def _survivors(trials: Sequence[int], number: int) -> list[int]:
    """The first trials; the present settings are always one of them."""
    kept = list(trials[:number])
    return kept if PRESENT in kept else [*kept[:-1], PRESENT]


def _best_first(scores: TrialScores, trials: Sequence[int], groups: Sequence[Group]) -> list[int]:
    """By mean; of equal trials the one with fewer changes."""

    def order(trial: int) -> tuple[float, int]:
        return -_mean(scores, trial, groups), len(scores.changes[trial])

    return sorted(trials, key=order)


def _simplest(scores: TrialScores, trial: int, groups: Sequence[Group]) -> int:
    """The trial without the changes that gain nothing on these groups."""
    for name in list(scores.changes[trial]):
        fewer = {other: v for other, v in scores.changes[trial].items() if other != name}
        simpler = scores.add(fewer)
        scores.require([simpler], groups)
        if _mean(scores, simpler, groups) >= _mean(scores, trial, groups):
            trial = simpler
    return trial


def _mean(scores: TrialScores, trial: int, groups: Sequence[Group]) -> float:
    # Sums of the same numbers in another order differ in their last bits.
    return round(float(np.mean(scores.of(trial, groups))), 12)
