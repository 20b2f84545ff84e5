"""Shares one model among concurrent calls: short calls overtake long ones."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Turn", "Turns"]


@dataclass(order=True, slots=True)
class _Claim:
    """A call's place in the queue: first who has used the least time, then who came first."""

    used: float
    number: int


class Turns:
    """Admits calls to a model, one batch at a time.

    Between two batches a call lets those pass that have used less time, so a shopper's search does
    not wait for the end of a long reranking (least attained service: Kleinrock, "Queueing Systems",
    volume 2, 1976, section 4.6). Memory does not grow with the number of calls: one that waits
    holds no more than its texts and token ids.

    Args:
        at_once: Number of batches at once.
    """

    def __init__(self, at_once: int = 1) -> None:
        self._free = at_once
        self._number = 0
        self._waiting: list[_Claim] = []
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def call(self, until: float) -> Iterator[Turn]:
        """The turns of one call.

        Args:
            until: Deadline on the clock of `time.monotonic()`; infinity for none.
        """
        with self._changed:
            self._number += 1
            turn = Turn(self, _Claim(0.0, self._number), until)
        try:
            yield turn
        finally:
            turn.end()

    def _enter(self, claim: _Claim, seconds: float) -> bool:
        """Wait until a place is free and no call with a better claim waits for it."""
        with self._changed:
            self._waiting.append(claim)
            entered = self._changed.wait_for(
                lambda: self._free > 0 and min(self._waiting) is claim,
                timeout=None if seconds == math.inf else max(0.0, seconds),
            )
            self._waiting.remove(claim)
            self._free -= entered
            self._changed.notify_all()
        return entered

    def _leave(self) -> None:
        with self._changed:
            self._free += 1
            self._changed.notify_all()

    def _is_first(self, claim: _Claim) -> bool:
        with self._changed:
            return all(claim < other for other in self._waiting)


class Turn:
    """The turns of one call, see `Turns.call`. Not safe to use from several threads."""

    def __init__(self, turns: Turns, claim: _Claim, until: float) -> None:
        self._turns = turns
        self._claim = claim
        self._until = until
        self._since: float | None = None

    def take(self) -> bool:
        """Wait for the next turn, which lasts until the next call; False if the deadline passes."""
        now = time.monotonic()
        if self._since is not None:
            self._claim.used += now - self._since
            self._since = now
            if now < self._until and self._turns._is_first(self._claim):
                return True
            self.end()
        if now < self._until and self._turns._enter(self._claim, self._until - now):
            self._since = time.monotonic()
        return self._since is not None

    def end(self) -> None:
        """Give the turn back."""
        if self._since is not None:
            self._since = None
            self._turns._leave()
