"""Waiting without waiting."""

from __future__ import annotations

import threading


class Pauses(threading.Event):
    """Stands for `Patience.stopped`: remembers the waits that were asked for, and sleeps none."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        self.asked.append(timeout or 0.0)
        return False
