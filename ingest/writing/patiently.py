"""Requests to Elasticsearch that are sent again while the cluster is busy or away."""

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

# Too many requests, and what a proxy or a cluster says while nodes are away.
PASSING_STATUSES = frozenset({429, 502, 503, 504})


@dataclass(frozen=True, slots=True)
class Passing:
    """A failure after which asking again may help.

    Attributes:
        pause: Seconds the cluster, or a proxy before it, asked to be left alone for.
    """

    problem: str
    pause: float


def patiently(request: Callable[[], R], patience: Patience, *, place: str) -> R:
    """The answer of a request that may be sent again, waited for while the cluster is away.

    Args:
        request: Asks a client that does not retry by itself (`max_retries=0`).

    Raises:
        Outage: the cluster was away or busy for all of `patience`.
        ElasticsearchError: it refused.
    """
    waits = Waits(patience)
    while True:
        with translated(place):
            try:
                return request()
            except (ApiError, TransportError) as error:
                failure = passing(error)
                if failure is None:
                    raise
        waits.wait(failure.problem, place=place, at_least=failure.pause)


def passing(error: ApiError | TransportError) -> Passing | None:
    """What to wait for, or None where asking again cannot help."""
    if isinstance(error, ApiError):
        if error.meta.status not in PASSING_STATUSES:
            return None
        return Passing(_in_words(error), retry_after(error.meta.headers.get("retry-after")))
    away = isinstance(error, TransportConnectionError | ConnectionTimeout)
    return Passing(_in_words(error), 0.0) if away and not isinstance(error, TlsError) else None


def _in_words(error: ApiError | TransportError) -> str:
    try:
        with translated(""):
            raise error
    except ElasticsearchError as translation:
        return translation.message
