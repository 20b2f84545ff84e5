"""Passes a request through to Elasticsearch and its answer back, unchanged.

Streams both ways with backpressure: neither a large body nor a large answer is held in memory.
"""

from __future__ import annotations

import asyncio

from es_hybrid.http.refusal import UpstreamError
from es_hybrid.serve.exchange import CallerGone, Exchange
from es_hybrid.serve.upstream.connection import Connection
from es_hybrid.serve.upstream.headers import end_to_end, request_head
from es_hybrid.serve.upstream.pool import Pool

# Bytes. Shorter bodies are sent together with their head.
_SMALL = 64 * 1024
_REPEATABLE = ("GET", "HEAD")


async def relay(exchange: Exchange, pool: Pool) -> None:
    """Pass through a request whose body has not been read.

    Raises:
        UpstreamError: Elasticsearch cannot be reached, or the connection is lost.
        CallerGone: the caller disconnected.
    """
    length = exchange.header(b"content-length")
    if not length and not exchange.header(b"transfer-encoding"):
        await relay_whole(exchange, pool, None, repeatable=exchange.method in _REPEATABLE)
    elif length and int(length) <= _SMALL:
        body = await exchange.body(_SMALL)
        await relay_whole(exchange, pool, body, repeatable=exchange.method in _REPEATABLE)
    else:
        await _relay_streamed(exchange, pool, int(length) if length else None)


async def relay_whole(
    exchange: Exchange, pool: Pool, body: bytes | None, *, repeatable: bool
) -> None:
    """Pass through a request whose body has been read.

    Args:
        body: As received; None if the request has none.
        repeatable: See `Pool.exchange`.
    """
    head = _head(exchange, pool, length=None if body is None else len(body))
    with exchange.ends_with_caller():
        connection = await pool.exchange(
            head + body if body else head,
            answer_has_body=exchange.method != "HEAD",
            repeatable=repeatable,
        )
        try:
            await _answer(exchange, connection)
        finally:
            pool.release(connection)


async def _relay_streamed(exchange: Exchange, pool: Pool, length: int | None) -> None:
    connection = await pool.take()
    connection.begin(
        _head(exchange, pool, length=length), answer_has_body=exchange.method != "HEAD"
    )
    pump = asyncio.create_task(_pump(exchange, connection, chunked=length is None))
    try:
        with exchange.ends_with_caller(reading=pump):
            # Elasticsearch may answer before it has read the whole body, e.g. 413 or 401.
            await connection.head()
            await _answer(exchange, connection)
    except UpstreamError:
        if pump.done() and isinstance(pump.exception(), CallerGone):
            raise CallerGone from None
        raise
    finally:
        if not pump.done():
            pump.cancel()
            connection.close()  # half a request has been written
        elif not pump.cancelled():
            pump.exception()  # the connection has raised it already
        pool.release(connection)


async def _pump(exchange: Exchange, connection: Connection, *, chunked: bool) -> None:
    """Send the caller's body to Elasticsearch."""
    more = True
    while more:
        try:
            data, more = await exchange.receive()
        except CallerGone:
            connection.close()
            raise
        if not chunked:
            await connection.write(data)
        elif data:
            await connection.write(b"%x\r\n%s\r\n" % (len(data), data))
    if chunked:
        await connection.write(b"0\r\n\r\n")


async def _answer(exchange: Exchange, connection: Connection) -> None:
    """Send Elasticsearch's answer to the caller."""
    await exchange.begin(connection.status, end_to_end(connection.headers))
    more = True
    while more:
        data = await connection.chunk()
        more = bool(data) and not connection.complete
        await exchange.write(data, more=more)


def _head(exchange: Exchange, pool: Pool, *, length: int | None) -> bytes:
    chunked = length is None and bool(exchange.header(b"transfer-encoding"))
    return request_head(
        exchange.method.encode("ascii"),
        pool.origin.target(exchange.target),
        pool.origin.authority,
        end_to_end(exchange.headers),
        length=length,
        chunked=chunked,
    )
