"""How far a load is: a live line on a terminal, else a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.status import Status

from ingest.record.tally import progress_line

# Seconds between plain lines, as in a log.
_PLAIN_EVERY = 5.0


class Progress:
    """A context manager around a load or a backfill; `update` shows its counts.

    Args:
        console: Where the live line goes, if it is a terminal.
        say: Where plain lines go otherwise.
        line: Puts the counts into words.
    """

    def __init__(
        self,
        console: Console,
        say: Callable[[str], None],
        *,
        line: Callable[[Any], str] = progress_line,
    ) -> None:
        self._line = line
        self._status = Status("connecting", console=console) if console.is_terminal else None
        self._say = say
        self._said_at = time.monotonic()

    def update(self, counts: Any) -> None:
        """Show how far the load is."""
        if self._status:
            self._status.update(self._line(counts))
        elif time.monotonic() - self._said_at >= _PLAIN_EVERY:
            self._said_at = time.monotonic()
            self._say(self._line(counts))

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
