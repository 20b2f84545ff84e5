"""A limit on documents per second."""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """Limits a rate; saves up at most one second of it.

    Args:
        rate: Per second; None for no limit.
        stopped: Ends all waiting.
    """

    def __init__(self, rate: float | None, stopped: threading.Event) -> None:
        self._rate = rate
        self._stopped = stopped
        self._tokens = 0.0
        self._at = time.monotonic()

    def take(self, count: int) -> None:
        """Wait until `count` may pass, also if that is more than one second's worth."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self._rate, self._rate) - count
        self._at = now
        if self._tokens < 0:
            self._stopped.wait(-self._tokens / self._rate)
