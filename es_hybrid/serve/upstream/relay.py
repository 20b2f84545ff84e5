"""Passes a request through to Elasticsearch and its answer back, unchanged.

Streams both ways with backpressure: neither a large body nor a large answer is held in memory.
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, nullcontext

from es_hybrid.http.refusal import Refusal, UpstreamError
from es_hybrid.serve.exchange import CallerGone, Exchange
from es_hybrid.serve.upstream.connection import Connection
from es_hybrid.serve.upstream.headers import end_to_end, request_head
from es_hybrid.serve.upstream.lane import Lane
from es_hybrid.serve.upstream.pool import Pool

# Bytes. Shorter bodies are sent together with their head.
_SMALL = 64 * 1024
_REPEATABLE = ("GET", "HEAD")


async def relay(exchange: Exchange, pool: Pool, *, lane: Lane | None = None) -> None:
    """Pass through a request whose body has not been read.

    Args:
        lane: For requests that are large.

    Raises:
        UpstreamError: Elasticsearch cannot be reached, or the connection is lost.
        Refusal: as `Lane.turn`.
        CallerGone: the caller disconnected.
    """
    length = exchange.header(b"content-length")
    if not length and not exchange.header(b"transfer-encoding"):
        await relay_whole(exchange, pool, None, repeatable=exchange.method in _REPEATABLE)
    elif length and int(length) <= _SMALL:
        body = await exchange.body(_SMALL)
        await relay_whole(exchange, pool, body, repeatable=exchange.method in _REPEATABLE)
    else:
        await _relay_streamed(exchange, pool, int(length) if length else None, lane)


async def relay_whole(
    exchange: Exchange,
    pool: Pool,
    body: bytes | None,
    *,
    repeatable: bool,
    lane: Lane | None = None,
) -> None:
    """Pass through a request whose body has been read.

    Args:
        body: As received; None if the request has none.
        repeatable: See `Pool.exchange`.
    """
    head = _head(exchange, pool, length=None if body is None else len(body))
    with exchange.ends_with_caller():
        async with lane.turn() if lane else nullcontext():
            connection = await pool.exchange(
                head + body if body else head,
                answer_has_body=exchange.method != "HEAD",
                repeatable=repeatable,
            )
        try:
            await _answer(exchange, connection)
        finally:
            pool.release(connection)


async def _relay_streamed(
    exchange: Exchange, pool: Pool, length: int | None, lane: Lane | None
) -> None:
    connection = await pool.take()
    connection.begin(
        _head(exchange, pool, length=length), answer_has_body=exchange.method != "HEAD"
    )
    async with AsyncExitStack() as held:
        pump = asyncio.create_task(_pump(exchange, connection, length, lane, held))
        try:
            with exchange.ends_with_caller(reading=pump):
                # Elasticsearch may answer before it has read the whole body, e.g. 413 or 401.
                await connection.head()
                await held.aclose()
                await _answer(exchange, connection)
        except UpstreamError:
            if pump.done() and isinstance(pump.exception(), CallerGone | Refusal):
                await pump
            raise
        finally:
            if not pump.done():
                pump.cancel()
                connection.close()  # half a request has been written
            elif not pump.cancelled():
                pump.exception()  # the connection has raised it already
            pool.release(connection)


async def _pump(
    exchange: Exchange,
    connection: Connection,
    length: int | None,
    lane: Lane | None,
    held: AsyncExitStack,
) -> None:
    """Send the caller's body to Elasticsearch.

    Args:
        length: Bytes of the body; None if it is sent in chunks.
        held: Gets the turn, taken when only the end of the body is left: Elasticsearch parses it
            then, and a caller who sends slowly delays no other.
    """
    more, sent = True, 0
    try:
        while more:
            data, more = await exchange.receive()
            sent += len(data)
            # With a length, an empty part may follow the last byte.
            ends = not more if length is None else bool(data) and sent == length
            if lane:
                await lane.keep_pace(len(data))
                if ends:
                    await held.enter_async_context(lane.turn())
            if length is not None:
                await connection.write(data)
            elif data:
                await connection.write(b"%x\r\n%s\r\n" % (len(data), data))
    except (CallerGone, Refusal):
        connection.close()
        raise
    if length is None:
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
