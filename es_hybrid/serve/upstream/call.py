"""The engine's requests to Elasticsearch, on behalf of a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import orjson
from opentelemetry import propagate

from es_hybrid.drive.driver import SendAsync
from es_hybrid.http.answers import Headers, encoded
from es_hybrid.http.refusal import UpstreamError
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.upstream.headers import end_to_end, request_head
from es_hybrid.serve.upstream.pool import Pool

TRACE_HEADERS = (b"traceparent", b"tracestate")
# Headers that describe the caller's own request and answer, not the engine's.
_NOT_FORWARDED = frozenset((
    *TRACE_HEADERS, b"accept", b"accept-encoding", b"content-type", b"content-encoding",
    b"content-length", b"x-api-key",
))  # fmt: skip
_ACCEPT = (b"accept", b"application/json")
_JSON = (b"content-type", b"application/json")
_LINES = (b"content-type", b"application/x-ndjson")


def on_behalf(headers: Headers) -> Headers:
    """The caller's headers that the engine's requests carry, such as credentials."""
    return [header for header in end_to_end(headers) if header[0] not in _NOT_FORWARDED]


def sender(pool: Pool, headers: Headers, typed_keys: TypedKeys | None = None) -> SendAsync:
    """A function that sends the engine's requests with these headers.

    Args:
        typed_keys: Removes the types of aggregations from the answers and remembers them.
    """

    async def send(call: Call, seconds: float | None) -> Reply:
        body = _content(call.body)
        head = request_head(
            call.method.encode("ascii"),
            pool.origin.prefix + _target(call, typed=typed_keys is not None),
            pool.origin.authority,
            [*headers, *_trace(), _ACCEPT, *_content_type(call.body)],
            length=None if call.body is None else len(body),
        )
        try:
            async with asyncio.timeout(seconds):
                reply = await _reply(pool, head + body)
        except TimeoutError:
            raise UpstreamError(
                f"Elasticsearch did not answer within {1000 * (seconds or 0):.0f} ms",
                status=504,
                place=str(pool.origin),
                remedy="raise search.timeout_ms, or check the load of the cluster",
            ) from None
        return reply if typed_keys is None else replace(reply, body=typed_keys.learn(reply.body))

    return send


async def msearch_lines(
    pool: Pool,
    headers: Headers,
    lines: bytes,
    *,
    path: bytes,
    typed_keys: bool,
    params: Mapping[str, str],
) -> Reply:
    """Send searches of an `_msearch` as the caller wrote them.

    Args:
        path: Path of the caller's request; its index applies to lines that name none.
        params: Further parameters.
    """
    query = urlencode({**params, "typed_keys": str(typed_keys).lower()}).encode("ascii")
    head = request_head(
        b"POST",
        b"%s%s?%s" % (pool.origin.prefix, path, query),
        pool.origin.authority,
        [*headers, *_trace(), _ACCEPT, _LINES],
        length=len(lines),
    )
    return await _reply(pool, head + lines)


async def _reply(pool: Pool, request: bytes) -> Reply:
    # Searches, points in time and mappings can all be sent twice.
    connection = await pool.exchange(request, repeatable=True)
    try:
        content = await connection.whole()
    finally:
        pool.release(connection)
    try:
        return Reply(connection.status, orjson.loads(content))
    except orjson.JSONDecodeError:
        raise UpstreamError(
            f"the upstream server is not Elasticsearch (status {connection.status}, no JSON)",
            status=502,
            place=str(pool.origin),
            remedy="check elasticsearch.url",
        ) from None


def _target(call: Call, *, typed: bool) -> bytes:
    params = dict(call.params)
    if typed and call.path.endswith("search"):
        params["typed_keys"] = "true"
    query = urlencode(params)
    return (f"{call.path}?{query}" if query else call.path).encode("ascii")


def _content(body: Any) -> bytes:
    if body is None:
        return b""
    if isinstance(body, Mapping):
        return encoded(body)
    return b"".join(encoded(part) + b"\n" for part in body)


def _content_type(body: Any) -> Headers:
    if body is None:
        return []
    return [_JSON if isinstance(body, Mapping) else _LINES]


def _trace() -> Headers:
    """The trace that Elasticsearch continues: the current span's, or else the caller's."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return [(name.encode("ascii"), value.encode("ascii")) for name, value in carrier.items()]
