"""Warming up a node that has just started.

Elasticsearch compiles what it runs most on the cores that are measured. Under full load that takes
many minutes, since the compiler gets little of two cores; one search at a time, one or two. Until
then a search takes up to twice as long as later, and whatever needs both cores at once, or wakes
another thread, waits for the compiler's turn (4 ms) now and then. Shops search nodes that have run
for days.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

# Rounds in a row that are no faster, and what counts as faster. The compiler pauses now and then.
_STEADY_ROUNDS = 8
_FASTER = 0.98


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
