"""Reads the bodies of requests that are answered here, within the memory set aside for them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.admission import overloaded
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.workers import LARGE_BODY

# Seconds for a large body to arrive; meanwhile it occupies the room of others.
_SECONDS = 30.0


class Bodies:
    """Reads bodies. Small ones are read at once; larger ones wait until there is room for them.

    Args:
        room: Bytes of larger bodies that are held at the same time.
        patience: Seconds that a body waits for room.
    """

    def __init__(self, *, room: int, patience: float) -> None:
        self._free = room
        self._patience = patience
        self._freed = asyncio.Event()

    @asynccontextmanager
    async def read(self, exchange: Exchange, limit: int) -> AsyncIterator[bytes | None]:
        """The whole body, held until the end of the block.

        None if it is longer than `limit` bytes, and then still to be received.

        Raises:
            CallerGone: the caller disconnected.
            Refusal: 408, the body arrives too slowly; 429, there was no room for it.
        """
        stated = int(exchange.header(b"content-length") or 0)
        if stated > limit:
            yield None
            return
        body = await exchange.body(min(limit, LARGE_BODY))
        if body is not None or limit <= LARGE_BODY:
            yield body
            return
        size = stated or limit
        await self._reserve(size)
        try:
            yield await self._large(exchange, limit)
        finally:
            self._free += size
            self._freed.set()

    async def _large(self, exchange: Exchange, limit: int) -> bytes | None:
        try:
            async with asyncio.timeout(_SECONDS):
                return await exchange.body(limit)
        except TimeoutError:
            reason = f"the body did not arrive within {_SECONDS:g} s"
            raise Refusal(408, "request_timeout_exception", reason) from None

    async def _reserve(self, size: int) -> None:
        try:
            async with asyncio.timeout(self._patience):
                while self._free < size:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            raise overloaded(f"no room for a body of {size} bytes") from None
        self._free -= size
