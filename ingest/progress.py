"""How far a load is: a live line on a terminal, else a plain line now and then."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.status import Status

from ingest.tally import Tally, progress_line

# Seconds between plain lines, as in a log.
_PLAIN_EVERY = 5.0


class Progress:
    """A context manager around a load; `update` shows a tally.

    Args:
        console: Where the live line goes, if it is a terminal.
        say: Where plain lines go otherwise.
    """

    def __init__(self, console: Console, say: Callable[[str], None]) -> None:
        self._status = Status("connecting", console=console) if console.is_terminal else None
        self._say = say
        self._said_at = time.monotonic()

    def update(self, tally: Tally) -> None:
        """Show how far the load is."""
        if self._status:
            self._status.update(progress_line(tally))
        elif time.monotonic() - self._said_at >= _PLAIN_EVERY:
            self._said_at = time.monotonic()
            self._say(progress_line(tally))

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
