"""Warming up a node that has just started.

Elasticsearch compiles what it runs most, on the cores that are measured. Under full load the
compiler gets little of two cores; one search at a time, it finishes within some thousand searches.
Until then a search takes up to twice as long as later, and whatever needs both cores at once, or
wakes another thread, waits for its turn now and then. Shops search nodes that have run for days.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable

# Rounds in a row that are no faster, and what counts as faster. The compiler pauses now and then.
_STEADY_ROUNDS = 8
_FASTER = 0.98


Times = dict[str, list[float]]


def when_warm(round_: Callable[[Times], float], *, rounds: int, patience: float) -> Times:
    """Side -> its times in all of `rounds` rounds, once further rounds get no faster.

    Args:
        round_: Adds the times of each side, and returns what should get no lower.
        patience: See `until_steady`.
    """
    until_steady(lambda: round_(defaultdict(list)), patience=patience)
    times: Times = defaultdict(list)
    for _ in range(rounds):
        round_(times)
    return times


def until_steady(round_: Callable[[], float], *, patience: float) -> None:
    """Repeat a round until it gets no faster, one search at a time; at least once.

    Args:
        round_: Returns its time, in any unit. Should take a second or more.
        patience: Seconds after which the node counts as warm.
    """
    least, steady, until = math.inf, 0, time.monotonic() + patience
    while steady < _STEADY_ROUNDS:
        spent = round_()
        steady = 0 if spent < least * _FASTER else steady + 1
        least = min(least, spent)
        if time.monotonic() > until:
            return
