"""Sends the requests of a search with the official clients."""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson
from elastic_transport import TransportError
from elasticsearch import ApiError, AsyncElasticsearch, Elasticsearch

from es_hybrid.client import knows_the_path, translated, url_of
from es_hybrid.drive.driver import Send, SendAsync
from es_hybrid.errors import ElasticsearchError
from es_hybrid.retrieval.needs import Call, Reply

Client = TypeVar("Client", Elasticsearch, AsyncElasticsearch)

# Copying the client with another timeout takes 0.2 ms, so copies are kept. Timeouts are rounded up
# to this many seconds, to keep copies few.
_STEP = 0.05
_COPIES = 256

_JSON = {"accept": "application/json", "content-type": "application/json"}
_LINES = {"accept": "application/json", "content-type": "application/x-ndjson"}
_NO_BODY = {"accept": "application/json"}


def sender(client: Elasticsearch) -> Send:
    """Sends with the client and its credentials.

    A status of 400 and above is a reply as well. Raises `ElasticsearchError` if there is no reply,
    or none in time.
    """
    place = url_of(client)
    within = _copies(client)

    def send(call: Call, seconds: float | None) -> Reply:
        try:
            answer = within(seconds).perform_request(**_request(call))
        except (ApiError, TransportError) as error:
            return _refusal(error, place)
        return Reply(answer.meta.status, answer.body)

    return send


def async_sender(client: AsyncElasticsearch) -> SendAsync:
    """As `sender`, awaited."""
    place = url_of(client)
    within = _copies(client)

    async def send(call: Call, seconds: float | None) -> Reply:
        try:
            answer = await within(seconds).perform_request(**_request(call))
        except (ApiError, TransportError) as error:
            return _refusal(error, place)
        return Reply(answer.meta.status, answer.body)

    return send


def _copies(client: Client) -> Callable[[float | None], Client]:
    """Returns the client with a timeout in seconds; None: its own timeout."""

    @functools.lru_cache(_COPIES)
    def copy(steps: int) -> Client:
        return client.options(request_timeout=steps * _STEP)

    def within(seconds: float | None) -> Client:
        if seconds is None:
            return client
        if seconds <= 0:
            raise ElasticsearchError(
                "the search ran out of time before Elasticsearch was called",
                place=url_of(client),
                remedy="raise search.timeout_ms",
            )
        return copy(math.ceil(seconds / _STEP))

    return within


def _request(call: Call) -> dict[str, Any]:
    body: Any = call.body
    headers = _NO_BODY if body is None else _JSON
    if body is not None and not isinstance(body, Mapping):
        # The client would encode each line with the standard library's json, which takes ten times
        # as long for a vector.
        headers, body = _LINES, [_encoded(line) for line in body]
    return {
        "method": call.method,
        "path": call.path,
        "params": call.params,
        "headers": headers,
        "body": body,
    }


def _encoded(line: Mapping[str, Any]) -> bytes:
    try:
        return orjson.dumps(line)
    except orjson.JSONEncodeError:  # an integer of more than 64 bits
        return json.dumps(line).encode()


def _refusal(error: ApiError | TransportError, place: str) -> Reply:
    """Elasticsearch's own error as a reply; any other failure is raised."""
    if isinstance(error, ApiError) and isinstance(error.body, dict) and knows_the_path(error):
        return Reply(error.meta.status, error.body)
    with translated(place):
        raise error
