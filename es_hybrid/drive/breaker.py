"""A circuit breaker: a part that keeps failing is left alone for a while.

Nygard, "Release It!", 2nd edition, 2018, chapter 5. Own code, since pybreaker 1.4 holds its lock
while the part works (one query at a time) and has no asyncio.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Counts failures in a row. Safe to use from several threads.

    Args:
        failures: So many in a row open it.
        pause: Seconds that an open one admits nobody; then one caller may probe the part, and so
            again after each pause until a probe succeeds.
        clock: In seconds.
    """

    def __init__(
        self, *, failures: int, pause: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._limit = failures
        self._pause = pause
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._probe_at = 0.0

    def admits(self) -> bool:
        """Whether the part may be asked now."""
        with self._lock:
            if self._failed < self._limit:
                return True
            now = self._clock()
            if now < self._probe_at:
                return False
            # The next probe is due whether or not this one ever reports back.
            self._probe_at = now + self._pause
            return True

    def succeeded(self) -> None:
        """The part answered: close."""
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        """The part failed, or was too slow."""
        with self._lock:
            self._failed += 1
            self._probe_at = self._clock() + self._pause
