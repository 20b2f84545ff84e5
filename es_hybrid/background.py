"""Lines written in the background: bounded, and never in the way of a search."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import Literal

logger = logging.getLogger(__name__)

# Writes lines, and returns how many are written.
Sink = Callable[[Sequence[bytes]], int]

# Called from any thread with an outcome and a number of lines.
Count = Callable[[Literal["written", "dropped"], int], None]

# Seconds to write what waits when the writer is closed.
_PATIENCE = 5.0


class BackgroundWriter:
    """Hands lines to a sink, in a thread of its own.

    A sink that is slow or fails delays nothing: lines that have no room or cannot be written are
    dropped, and counted.

    Args:
        sink: Called by one thread. An exception drops the lines.
        name: Of the thread, which starts with the first line.
        room: Bytes that wait at most.
        gather: Seconds to wait for more lines after the first one.
    """

    def __init__(
        self, sink: Sink, count: Count, *, name: str, room: int, gather: float = 0.0
    ) -> None:
        self._sink = sink
        self._count = count
        self._room = room
        self._gather = gather
        self._lines: list[bytes] = []
        self._waiting = 0
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._write, name=name, daemon=True)

    def add(self, line: bytes) -> bool:
        """Keep a line for writing; False if there is no room, and it is dropped."""
        with self._changed:
            fits = not self._closed and self._waiting + len(line) <= self._room
            if fits:
                if self._thread.ident is None:
                    self._thread.start()
                self._lines.append(line)
                self._waiting += len(line)
                if len(self._lines) == 1:
                    self._changed.notify()
        if not fits:
            self._count("dropped", 1)
        return fits

    def close(self) -> None:
        """Write what waits, for at most five seconds."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)

    def _write(self) -> None:
        while lines := self._next():
            written = 0
            try:
                written = self._sink(lines)
            except Exception:
                logger.exception("%d lines are dropped", len(lines))
            if written:
                self._count("written", written)
            if written < len(lines):
                self._count("dropped", len(lines) - written)

    def _next(self) -> list[bytes]:
        """The lines that wait, at least one; none if the writer is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._lines or self._closed)
            if self._gather:
                self._changed.wait_for(lambda: self._closed, self._gather)
            lines, self._lines, self._waiting = self._lines, [], 0
            return lines
