"""Waiting in tests: for a condition, or not at all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

# Seconds until a wait fails; far more than a busy machine needs.
PATIENCE = 60.0


def wait_until(condition: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait for a state that no event announces."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.02)


class Pauses(threading.Event):
    """Replaces `Patience.stopped`: records the requested waits and returns at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return False
