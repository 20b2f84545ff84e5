"""Waiting for a server that is busy or away, and giving up in time."""

from __future__ import annotations

import logging
import math
import random
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from es_hybrid.errors import Outage

logger = logging.getLogger(__name__)

# Seconds of the first wait and of the longest, at most.
_FIRST = 0.5
_LONGEST = 10.0


@dataclass(frozen=True, slots=True)
class Patience:
    """How long an outage is waited out.

    Attributes:
        max_outage: Seconds from a request's first failure to the last attempt.
        stopped: Set by whoever wants all waiting to end now (a Ctrl-C): it is then an `Outage`.
    """

    max_outage: float
    stopped: threading.Event = field(default_factory=threading.Event)


class Waits:
    """The waits of one request: longer and longer, with jitter.

    Jitter keeps the threads of a load from coming back all at once (Brooker 2015, "Exponential
    Backoff and Jitter"). Not for use by several threads.
    """

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self.progressed()

    def progressed(self) -> None:
        """Something got through: what comes next is a new outage."""
        self._since: float | None = None
        self._next = _FIRST

    def wait(self, problem: str, *, place: str, at_least: float = 0.0) -> None:
        """Sleep before another attempt.

        Args:
            problem: Why the last attempt failed.
            place: The server that is waited for.
            at_least: Seconds the server asked for (Retry-After).

        Raises:
            Outage: `max_outage` is over, or would be before the next attempt.
        """
        now = time.monotonic()
        if self._since is None:
            self._since = now
        left = self._since + self._patience.max_outage - now
        if left <= 0:
            raise _outage(place, f"for {self._patience.max_outage:g} s: {problem}")
        if at_least > left:
            raise _outage(place, f"and asks for {at_least:g} s: {problem}")
        # At the end of the time it is asked once more.
        pause = max(at_least, min(self._next * random.uniform(0.5, 1.0), left))
        logger.warning("%s: %s; trying again in %.1f s", place, problem, pause)
        if self._patience.stopped.wait(pause):
            raise _outage(place, f"when this was stopped: {problem}")
        self._next = min(2 * self._next, _LONGEST)


def _outage(place: str, since: str) -> Outage:
    return Outage(
        f"busy or away {since}",
        place=place,
        remedy="bring it back: what is written stays written",
    )


def retry_after(header: str | None) -> float:
    """Seconds of a `Retry-After` header (RFC 9110, 10.2.3); 0 where there is none to be read."""
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
    # Without a zone it is UTC.
    then = then if then.tzinfo else then.replace(tzinfo=UTC)
    return max((then - datetime.now(UTC)).total_seconds(), 0.0)
