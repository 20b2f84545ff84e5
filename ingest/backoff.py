"""Waiting for a cluster that is busy or away."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError

logger = logging.getLogger(__name__)

R = TypeVar("R")

# Too many requests, and what a proxy or a cluster says while nodes are away.
RETRIED_STATUSES = frozenset({429, 502, 503, 504})


class Backoff:
    """Waits that grow, up to a sum.

    Exponential with jitter, so that the threads of a load do not come back all at once
    (Brooker 2015, "Exponential Backoff and Jitter").

    Args:
        limit: Seconds after the first wait began when no further one is granted.
        first: Seconds of the first wait, at most; each next one twice as long up to `longest`.
    """

    def __init__(self, *, limit: float, first: float = 0.5, longest: float = 10.0) -> None:
        self._limit = limit
        self._next = first
        self._longest = longest
        self._since: float | None = None

    def wait(self, reason: str) -> bool:
        """Sleep before another attempt; False, at once, when the time is up."""
        now = time.monotonic()
        self._since = self._since or now
        if now - self._since >= self._limit:
            return False
        pause = self._next * random.uniform(0.5, 1.0)
        logger.warning("Elasticsearch: %s; trying again in %.1f s", reason, pause)
        time.sleep(pause)
        self._next = min(2 * self._next, self._longest)
        return True


def with_retries(request: Callable[[], R], *, limit: float) -> R:
    """The answer of a request that may be sent again, waited for while the cluster is away.

    Raises:
        ApiError: it refused, or was still busy after `limit` seconds.
        TransportError: it was still away after `limit` seconds.
    """
    backoff = Backoff(limit=limit)
    while True:
        try:
            return request()
        except (ApiError, TransportError) as error:
            if not is_passing(error) or not backoff.wait(str(error)):
                raise


def is_passing(error: ApiError | TransportError) -> bool:
    """Whether asking again may help."""
    if isinstance(error, ApiError):
        return error.meta.status in RETRIED_STATUSES
    if isinstance(error, TlsError):
        return False
    return isinstance(error, TransportConnectionError | ConnectionTimeout)
