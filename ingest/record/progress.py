"""Live progress: one updated line on a terminal, otherwise a plain line every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from ingest.record.tally import Counts

# Seconds between plain lines.
_PLAIN_EVERY = 5.0


class Progress:
    """A context manager around a load or a backfill; `update` shows its counts.

    Args:
        console: Shows the live line if it is a terminal.
        say: Takes the plain lines otherwise.
    """

    def __init__(self, console: Console, say: Callable[[str], None]) -> None:
        self._status = Status("connecting", console=console) if console.is_terminal else None
        self._say = say
        self._said_at = time.monotonic()

    def update(self, counts: Counts) -> None:
        """Show the counts."""
        if self._status:
            self._status.update(counts.progress_line())
        elif time.monotonic() - self._said_at >= _PLAIN_EVERY:
            self._said_at = time.monotonic()
            self._say(counts.progress_line())

    def __enter__(self) -> Self:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._status:
            self._status.stop()
