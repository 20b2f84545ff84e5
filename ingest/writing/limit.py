"""How many requests at once: found out while loading.

The law is that of Vector's adaptive request concurrency (RFC 1858 of vectordotdev/vector), which
is TCP's: additive increase, multiplicative decrease (Chiu and Jain 1989). The limit

- shrinks to 0.9 of itself with every answer that refuses for load, and with a window of answers
  whose mean latency lies more than 2.5 deviations, and a fifth, above the average of the windows
  before (an EWMA of both);
- grows by one with every other window in which it was reached.

So it gives way when the cluster has other work all of a sudden. Latency that grows only because
the limit does is taken for ordinary, which is why there is an upper bound too.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

# Vector's values, found there by simulation.
_DECREASE = 0.9
_ALPHA = 0.4
_DEVIATIONS = 2.5
# Beside Vector's: on an even course the deviation goes to nothing, and every breath would count.
_LEAST_RISE = 0.2
# Requests at once to begin with.
_START = 2
# Answers in a window, at least: one slow answer in two is no news.
_WINDOW = 5


@dataclass(slots=True)
class ControlLaw:
    """The limit as a function of what was answered. Knows nothing of threads and clocks.

    Attributes:
        most: The limit never grows above this.
        limit: Requests at once, from 1, before it is rounded.
    """

    most: int
    limit: float = 0.0
    _mean: float | None = None
    _deviation: float = 0.0
    _window: list[float] = field(default_factory=list)
    _full: bool = False
    _busy: bool = False

    def __post_init__(self) -> None:
        self.limit = float(min(_START, self.most))

    def observe(self, seconds: float, *, full: bool, busy: bool) -> None:
        """Take one answer into account.

        Args:
            seconds: Its latency.
            full: The limit was reached when the request was sent.
            busy: It, or a part of it, was refused for load.
        """
        self._full |= full
        self._busy |= busy
        if not busy:  # a refusal comes at once, and would make every honest answer look slow
            self._window.append(seconds)
        if busy or len(self._window) >= max(self.limit, _WINDOW):
            self._adapt()
            self._window.clear()
            self._full = self._busy = False

    def _adapt(self) -> None:
        if self._busy or self._is_slow():
            self.limit = max(self.limit * _DECREASE, 1.0)
        elif self._full:
            self.limit = min(self.limit + 1.0, float(self.most))

    def _is_slow(self) -> bool:
        """Whether the window is slow beside those before it, which it joins."""
        latency = sum(self._window) / len(self._window)
        if self._mean is None:
            self._mean, self._deviation = latency, latency / 2
        error = latency - self._mean
        slow = error > max(_DEVIATIONS * self._deviation, _LEAST_RISE * self._mean)
        self._mean += _ALPHA * error
        self._deviation += _ALPHA * (abs(error) - self._deviation)
        return slow


@dataclass(slots=True)
class Slot:
    """One request under way.

    Attributes:
        busy: The cluster refused it, or a part of it, for load; set by whoever holds the slot.
        answered: The cluster answered at all: its absence says nothing about the right limit.
    """

    busy: bool = False
    answered: bool = True


class AdaptiveLimit:
    """Lets at most so many requests go at once, and finds out how many. Safe for threads.

    Args:
        most: The limit never grows above this.
    """

    def __init__(self, most: int) -> None:
        self._law = ControlLaw(most)
        self._under_way = 0
        self._freed = threading.Condition()

    @property
    def current(self) -> int:
        """Requests that may be under way at once, from 1."""
        return round(self._law.limit)

    @contextlib.contextmanager
    def slot(self) -> Iterator[Slot]:
        """Wait until there is room, and hold it through the block."""
        with self._freed:
            self._freed.wait_for(lambda: self._under_way < self.current)
            self._under_way += 1
            full = self._under_way >= self.current
        start, slot = time.monotonic(), Slot()
        try:
            yield slot
        finally:
            with self._freed:
                self._under_way -= 1
                if slot.answered:
                    self._law.observe(time.monotonic() - start, full=full, busy=slot.busy)
                self._freed.notify_all()
