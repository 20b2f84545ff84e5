"""Ctrl-C and SIGTERM: the first ends the work after the batch in hand, the second at once."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def stopped_by_signals(stop: Callable[[int], None], say: Callable[[str], None]) -> Iterator[None]:
    """Call `stop` with the number of the first signal that comes while the block runs.

    A second one ends the process as `kill -9` would: what the ledger says stays true.
    """
    seen: list[int] = []

    def handle(number: int, _frame: FrameType | None) -> None:
        if seen:
            os._exit(128 + number)
        seen.append(number)
        say("stopping after what is in hand; once more stops at once")
        stop(number)

    before: dict[int, Any] = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
