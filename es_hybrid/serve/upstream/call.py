"""The engine's requests to Elasticsearch, on behalf of a caller."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from opentelemetry import propagate

from es_hybrid.errors import RequestRefused
from es_hybrid.http.answers import Headers, Warnings, encoded
from es_hybrid.http.refusal import UpstreamError
from es_hybrid.retrieval.needs import Call, Reply
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.upstream.connection import Connection
from es_hybrid.serve.upstream.headers import end_to_end, request_head
from es_hybrid.serve.upstream.pool import Pool
from es_hybrid.serve.workers import LARGE_ANSWER, Workers

TRACE_HEADERS = (b"traceparent", b"tracestate")
# Headers that describe the caller's own request and answer, not the engine's.
_NOT_FORWARDED = frozenset((
    *TRACE_HEADERS, b"accept", b"accept-encoding", b"content-type", b"content-encoding",
    b"content-length", b"x-api-key",
))  # fmt: skip
# Bytes of one answer that es-hybrid ranks: 10,000 hits of 3 kB. Decoded, it takes several times as
# much memory.
_MAX_ANSWER = 32 * 1024 * 1024
# Python's own client refuses an answer with more than 100 headers.
_MAX_WARNINGS = 50
_ACCEPT = (b"accept", b"application/json")
_JSON = (b"content-type", b"application/json")
_LINES = (b"content-type", b"application/x-ndjson")


def on_behalf(headers: Headers) -> Headers:
    """The caller's headers that the engine's requests carry, such as credentials."""
    return [header for header in end_to_end(headers) if header[0] not in _NOT_FORWARDED]


class Sender:
    """Sends the engine's requests.

    Args:
        headers: Sent with each request.
        workers: Decode large answers.
        typed_keys: Removes the types of aggregations from the answers and remembers them.
        warnings: Gets those of the answers.

    Attributes:
        large: Whether one of the answers was large.
    """

    def __init__(
        self,
        pool: Pool,
        headers: Headers,
        workers: Workers,
        typed_keys: TypedKeys | None = None,
        warnings: Warnings | None = None,
    ) -> None:
        self.large = False
        self._pool = pool
        self._headers = headers
        self._workers = workers
        self._warnings = {} if warnings is None else warnings
        self._typed_keys = typed_keys

    async def __call__(self, call: Call, seconds: float | None) -> Reply:
        """Elasticsearch's answer within so many seconds; None: without a limit.

        Raises:
            RequestRefused: the answer is too long.
            UpstreamError: there is none, or not in time.
        """
        pool = self._pool
        body = _content(call.body)
        head = request_head(
            call.method.encode("ascii"),
            pool.origin.target(_target(call, typed=self._typed_keys is not None)),
            pool.origin.authority,
            [*self._headers, *_trace(), _ACCEPT, *_content_type(call.body)],
            length=None if call.body is None else len(body),
        )
        try:
            async with asyncio.timeout(seconds):
                reply = await _reply(
                    pool, head + body, self._workers, self._warnings, self._typed_keys
                )
        except TimeoutError:
            raise UpstreamError(
                f"Elasticsearch did not answer within {1000 * (seconds or 0):.0f} ms",
                status=504,
                place=str(pool.origin),
                remedy="raise search.timeout_ms, or check the load of the cluster",
            ) from None
        self.large |= reply.large
        return reply


async def msearch_lines(
    pool: Pool,
    headers: Headers,
    lines: bytes,
    workers: Workers,
    *,
    path: bytes,
    typed_keys: bool,
    params: Mapping[str, str],
    warnings: Warnings,
) -> Reply:
    """Send searches of an `_msearch` as the caller wrote them.

    Args:
        path: Path of the caller's request; its index applies to lines that name none.
        params: Further parameters.
        warnings: Gets those of the answer.
    """
    query = urlencode({**params, "typed_keys": str(typed_keys).lower()}).encode("ascii")
    head = request_head(
        b"POST",
        pool.origin.target(b"%s?%s" % (path, query)),
        pool.origin.authority,
        [*headers, *_trace(), _ACCEPT, _LINES],
        length=len(lines),
    )
    return await _reply(pool, head + lines, workers, warnings)


async def _reply(
    pool: Pool,
    request: bytes,
    workers: Workers,
    warnings: Warnings,
    typed_keys: TypedKeys | None = None,
) -> Reply:
    # Searches, points in time and mappings can all be sent twice.
    connection = await pool.exchange(request, repeatable=True)
    try:
        text = await _text(connection)
    finally:
        pool.release(connection)
    _collect(connection.headers, warnings)
    large = len(text) > LARGE_ANSWER

    def decoded() -> Any:
        body = orjson.loads(text)
        return body if typed_keys is None else typed_keys.learn(body)

    try:
        return Reply(connection.status, await workers.run(decoded, large=large), large=large)
    except orjson.JSONDecodeError:
        raise UpstreamError(
            f"the upstream server is not Elasticsearch (status {connection.status}, no JSON)",
            status=502,
            place=str(pool.origin),
            remedy="check elasticsearch.url",
        ) from None


def _collect(headers: Headers, warnings: Warnings) -> None:
    for name, value in headers:
        if name == b"warning" and len(warnings) < _MAX_WARNINGS:
            warnings[value] = None


async def _text(connection: Connection) -> bytes:
    """The whole answer.

    Raises:
        RequestRefused: it is longer than `_MAX_ANSWER`.
    """
    parts = [await connection.chunk()]
    size = len(parts[0])
    while not connection.complete and size <= _MAX_ANSWER:
        parts.append(await connection.chunk())
        size += len(parts[-1])
    if size > _MAX_ANSWER:
        raise RequestRefused(
            f"Elasticsearch's answer is longer than {_MAX_ANSWER >> 20} MiB",
            remedy="ask for fewer hits, or for less of their [_source]",
        )
    return b"".join(parts)


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
