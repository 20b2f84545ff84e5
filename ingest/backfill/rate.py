"""No more documents a second than one was told."""

from __future__ import annotations

import threading
import time


class TokenBucket:
    """Lets so many through a second, and saves up at most one second's worth.

    Args:
        rate: A second; None for no limit.
        stopped: Ends all waiting.
    """

    def __init__(self, rate: float | None, stopped: threading.Event) -> None:
        self._rate = rate
        self._stopped = stopped
        self._tokens = 0.0
        self._at = time.monotonic()

    def take(self, count: int) -> None:
        """Wait until `count` may go. More than one second's worth go, and are paid for at once."""
        if self._rate is None:
            return
        now = time.monotonic()
        self._tokens = min(self._tokens + (now - self._at) * self._rate, self._rate) - count
        self._at = now
        if self._tokens < 0:
            self._stopped.wait(-self._tokens / self._rate)
