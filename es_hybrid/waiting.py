"""Waiting for a server that is busy or unavailable, and giving up in time."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from es_hybrid.errors import Outage

logger = logging.getLogger(__name__)

# Longest first wait and longest later wait, in seconds.
_FIRST = 0.5
_LONGEST = 10.0


class Waited(NamedTuple):
    """An outage as far as it was waited for: the server, why, and from when to when (Unix time)."""

    place: str
    problem: str
    since: float
    until: float


class WaitLog:
    """The outages that were waited for. Safe for threads."""

    def __init__(self) -> None:
        self._outages: dict[str, Waited] = {}
        self._lock = threading.Lock()

    def add(self, waited: Waited) -> None:
        """Add a wait; those of one server since the last `take` are one outage."""
        with self._lock:
            known = self._outages.get(waited.place, waited)
            since = min(known.since, waited.since)
            self._outages[waited.place] = waited._replace(since=since)

    def take(self) -> list[Waited]:
        """The outages since the last call."""
        with self._lock:
            outages, self._outages = self._outages, {}
        return list(outages.values())


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait for a server.

    Attributes:
        max_outage: Seconds from a request's first failure to its last attempt.
        stopped: When set (Ctrl-C), waiting ends at once with an `Outage`.
        log: Collects the outages.
    """

    max_outage: float
    stopped: threading.Event = field(default_factory=threading.Event)
    log: WaitLog = field(default_factory=WaitLog)


@dataclass(slots=True)
class Waits:
    """The waits of one outage: longer and longer, with jitter. For one thread.

    Jitter keeps the threads of a load from returning all at once (Brooker 2015, "Exponential
    Backoff and Jitter").
    """

    patience: Patience
    _since: float | None = None
    _next: float = _FIRST

    def wait(self, problem: str, *, place: str, at_least: float = 0.0) -> None:
        """Sleep before another attempt.

        Args:
            problem: Why the last attempt failed.
            place: The server.
            at_least: Seconds the server asks to wait (Retry-After).

        Raises:
            Outage: `max_outage` is over, or will be before the next attempt.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
        limit = self.patience.max_outage
        left = self._since + limit - now
        if left <= 0:
            raise _outage(place, f"for {limit:g} s: {problem}")
        if at_least > left:
            raise _outage(place, f"and asks to wait {at_least:g} s: {problem}")
        # The last attempt is made when the time is over.
        pause = max(at_least, min(self._next * random.uniform(0.5, 1.0), left))
        logger.warning("%s: %s; trying again in %.1f s", place, problem, pause)
        was_stopped = self.patience.stopped.wait(pause)
        until = time.time()
        since = until - (time.monotonic() - self._since)
        self.patience.log.add(Waited(place, problem, since, until))
        if was_stopped:
            raise _outage(place, f"when this was stopped: {problem}")
        self._next = min(2 * self._next, _LONGEST)


def _outage(place: str, since: str) -> Outage:
    return Outage(
        f"busy or unavailable {since}",
        place=place,
        remedy="start it again: documents already written are kept",
    )


def retry_after(header: str | None) -> float:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3); 0 if absent or unreadable."""
    if not header:
        return 0.0
    try:
        seconds = float(header)
    except ValueError:
        pass
    else:
        return max(seconds, 0.0) if math.isfinite(seconds) else 0.0
    try:
        then = parsedate_to_datetime(header)
    except ValueError:
        return 0.0
    # A date without a zone is in UTC.
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)
