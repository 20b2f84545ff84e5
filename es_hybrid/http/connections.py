"""All connections of a server: how many there may be, and how long callers may keep it waiting."""

from __future__ import annotations

import logging
import sys
import time
from collections import Counter
from collections.abc import Callable
from enum import Enum
from typing import Protocol

from uvicorn.server import ServerState

logger = logging.getLogger(__name__)

# Connections beyond this need more memory than they are worth: an unfinished head may take 64 KiB.
_MOST = 4096
# File descriptors for files, for other servers, and for connections that are accepted together
# before the first of them is looked at.
_RESERVE = 256
_REPORT_EVERY = 10.0  # seconds


class Due(Enum):
    """What a caller has to do next; the value is the number of seconds to wait for it."""

    HEAD = 30.0
    """The rest of a head, or the first byte on a new connection. The time for the whole."""
    BODY = 60.0
    """More of a body. The time starts anew with every byte."""
    ANSWER = 600.0
    """Read some of its answer. Long, because a slow line drains the kernel's buffer in steps."""
    REQUEST = 3600.0
    """Another request. Elasticsearch never closes an idle connection, and its clients rely on
    that: they may be using one that is closing."""
    GOODBYE = 2.0
    """The end of a connection that was refused. Closed at once, it would be reset while the caller
    still writes, and the refusal lost (RFC 9112, 9.6)."""

    # Enum's own is written in Python and would cost a microsecond per request.
    __hash__ = object.__hash__


class CallersConnection(Protocol):
    """What `Connections` needs of a connection."""

    due: Due | None

    def is_held_up(self) -> bool:
        """Whether the server itself keeps the caller from sending."""

    def overdue(self) -> None:
        """End the connection: what is due has not come in time."""

    def drop(self) -> None:
        """End the connection at once, to make room."""

    def turn_away(self) -> None:
        """End the connection at once: there is no room."""


class Connections(ServerState):
    """The state that uvicorn shares among the connections of a server, with limits.

    At the limit, the connection that has kept the server waiting longest makes room for a new one.
    A caller whose request is being answered is never sent away.

    Args:
        limit: Maximum number of connections.
        clock: Returns seconds.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._limit = limit
        self._clock = clock
        # Since when each connection is waited for, the longest first.
        self._waiting: dict[Due, dict[CallersConnection, float]] = {due: {} for due in Due}
        self._refused: Counter[str] = Counter()
        self._reported = -_REPORT_EVERY

    def admit(self, connection: CallersConnection) -> None:
        """Make room for a new connection, or turn it away."""
        if len(self.connections) <= self._limit:
            return
        longest = min(
            (next(iter(waiting.items())) for waiting in self._waiting.values() if waiting),
            key=lambda item: item[1],
            default=None,
        )
        if longest is None:
            self.refused("too many connections")
            connection.turn_away()
        else:
            self.refused("idle or slow connections, closed to make room")
            self.wait_for(longest[0], None)
            longest[0].drop()

    def wait_for(self, connection: CallersConnection, due: Due | None) -> None:
        """Note what is due from a caller; None while its request is answered, and at the end.

        The time starts now, unless it already runs for the same; only for a body it starts anew.
        """
        if due is connection.due and due is not Due.BODY:
            return
        if connection.due is not None:
            del self._waiting[connection.due][connection]
        if due is not None:
            self._waiting[due][connection] = self._clock()
        connection.due = due

    def refused(self, why: str) -> None:
        """Count a refusal for the log.

        Args:
            why: One of a few fixed texts, never a caller's.
        """
        self._refused[why] += 1

    def tick(self) -> None:
        """End what is overdue, and report what was refused. To be called every second or so."""
        now = self._clock()
        for due, waiting in self._waiting.items():
            overdue = [one for one, since in waiting.items() if now - since > due.value]
            for connection in overdue:
                self._end(connection, due)
        if now - self._reported > _REPORT_EVERY:
            self.report()

    def report(self) -> None:
        """Log what was refused since the last time: one line, or many would fill the disk."""
        if self._refused:
            counts = ", ".join(f"{why} ({count})" for why, count in self._refused.items())
            logger.warning("refused: %s", counts)
            self._refused.clear()
            self._reported = self._clock()

    def _end(self, connection: CallersConnection, due: Due) -> None:
        if connection.is_held_up():
            self.wait_for(connection, None)
            self.wait_for(connection, due)
        else:
            connection.overdue()


def connection_limit() -> int:
    """Maximum number of connections to callers, as many as open files allow.

    Raises the limit of this process on open files as far as needed and permitted. A connection to
    a caller may need one more to Elasticsearch, which must stay reachable.
    """
    files = _open_files(2 * _MOST + _RESERVE)
    return max(1, min(_MOST, (files - min(_RESERVE, files // 4)) // 2))


if sys.platform == "win32":

    def _open_files(wanted: int) -> int:
        return wanted

else:
    import resource

    def _open_files(wanted: int) -> int:
        """The number of files that this process may open, which is raised towards `wanted`."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return wanted
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
        return allowed
