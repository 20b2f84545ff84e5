"""An adaptive limit on concurrent requests.

The law is that of Vector's adaptive request concurrency (RFC 1858 of vectordotdev/vector), which
is TCP's: additive increase, multiplicative decrease (Chiu and Jain 1989). The limit

- shrinks to 0.9 of itself after every refusal for load, and after a window of answers whose mean
  latency is more than 2.5 deviations, and more than a fifth, above the average of the windows
  before it (an EWMA of both);
- grows by one after every other window in which it was reached.

It shrinks when the cluster suddenly has other work. Latency that grows only with the limit counts
as normal, so there is also an upper bound.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

# The values of Vector, found by simulation.
_DECREASE = 0.9
_ALPHA = 0.4
_DEVIATIONS = 2.5
# Not in Vector: with steady latency the deviation approaches zero, and any noise would count.
_LEAST_RISE = 0.2
# Initial limit.
_START = 2
# Minimum answers in a window: one slow answer of two says nothing.
_WINDOW = 5


@dataclass(slots=True)
class ControlLaw:
    """The limit as a function of the answers. Knows nothing about threads and clocks.

    Attributes:
        most: Upper bound of the limit.
        limit: Concurrent requests, from 1, not rounded.
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
            seconds: Latency of the answer.
            full: The limit was reached when the request was sent.
            busy: The request, or a part of it, was refused for load.
        """
        self._full |= full
        self._busy |= busy
        if not busy:  # a refusal is fast, and would make every real answer look slow
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
        """Whether the window is slow compared with the windows before it."""
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
    """One request in progress; its holder sets the attributes.

    Attributes:
        busy: The cluster refused the request, or a part of it, for load.
        answered: The cluster answered; an outage says nothing about the right limit.
    """

    busy: bool = False
    answered: bool = True


class AdaptiveLimit:
    """Limits concurrent requests and adapts the limit. Safe for threads.

    Args:
        most: Upper bound of the limit.
    """

    def __init__(self, most: int) -> None:
        self._law = ControlLaw(most)
        self._in_progress = 0
        self._freed = threading.Condition()

    @property
    def current(self) -> int:
        """Concurrent requests allowed now, from 1."""
        return round(self._law.limit)

    @contextlib.contextmanager
    def slot(self, unless: Callable[[], bool]) -> Iterator[Slot | None]:
        """Wait for a slot, and hold it inside the block.

        Args:
            unless: Whether none is needed any more, which a released slot may have brought about;
                then the block gets None.
        """
        with self._freed:
            self._freed.wait_for(lambda: unless() or self._in_progress < self.current)
            needed = not unless()
            self._in_progress += needed
            full = self._in_progress >= self.current
        if not needed:
            yield None
            return
        start, slot = time.monotonic(), Slot()
        try:
            yield slot
        finally:
            with self._freed:
                self._in_progress -= 1
                if slot.answered:
                    self._law.observe(time.monotonic() - start, full=full, busy=slot.busy)
                self._freed.notify_all()
