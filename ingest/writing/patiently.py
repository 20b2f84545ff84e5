"""Requests to Elasticsearch that are repeated while the cluster is busy or unavailable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from elastic_transport import ConnectionError as TransportConnectionError
from elastic_transport import ConnectionTimeout, TlsError, TransportError
from elasticsearch import ApiError

from es_hybrid.client import translated
from es_hybrid.errors import ElasticsearchError
from es_hybrid.waiting import Patience, Waits, retry_after

R = TypeVar("R")

# Too many requests, and the answers of a proxy or a cluster whose nodes are unavailable.
TEMPORARY_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class TemporaryFailure:
    """A failure after which a repeated request may succeed.

    Attributes:
        pause: Seconds that the cluster, or a proxy in front of it, asks to wait.
    """

    problem: str
    pause: float


def patiently(request: Callable[[], R], patience: Patience, *, place: str) -> R:
    """Send a request, again while the cluster is unavailable, and return its answer.

    Args:
        request: Must be safe to repeat, from a client that does not retry (`max_retries=0`).

    Raises:
        Outage: the cluster was busy or unavailable for all of `patience`.
        ElasticsearchError: it refuses.
    """
    waits = Waits(patience)
    while True:
        with translated(place):
            try:
                return request()
            except (ApiError, TransportError) as error:
                failure = temporary(error)
                if failure is None:
                    raise
        waits.wait(failure.problem, place=place, at_least=failure.pause)


def temporary(error: ApiError | TransportError) -> TemporaryFailure | None:
    """Why and how long to wait, or None if repeating the request cannot help."""
    if isinstance(error, ApiError):
        if error.meta.status not in TEMPORARY_STATUSES:
            return None
        return TemporaryFailure(_problem(error), retry_after(error.meta.headers.get("retry-after")))
    unreachable = isinstance(error, TransportConnectionError | ConnectionTimeout)
    if unreachable and not isinstance(error, TlsError):
        return TemporaryFailure(_problem(error), 0.0)
    return None


def _problem(error: ApiError | TransportError) -> str:
    try:
        with translated(""):
            raise error
    except ElasticsearchError as translation:
        return translation.message
