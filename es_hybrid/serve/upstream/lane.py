"""Keeps large requests that pass through from slowing down all others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from es_hybrid.serve.admission import overloaded


class Lane:
    """Shared by large requests: their bodies arrive at one pace, and are processed one by one.

    Elasticsearch parses a body on the threads that its other requests need, and copying one keeps
    both servers busy.

    Args:
        rate: Bytes per second, of all bodies together.
        patience: Seconds that a request waits for its turn.
    """

    def __init__(self, *, rate: float, patience: float) -> None:
        self._rate = rate
        self._patience = patience
        self._free_at = 0.0
        self._one = asyncio.Semaphore(1)

    async def keep_pace(self, size: int) -> None:
        """Wait until bytes may be sent."""
        now = asyncio.get_running_loop().time()
        self._free_at = max(self._free_at, now) + size / self._rate
        await asyncio.sleep(self._free_at - now)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Hold the turn inside the block.

        Raises:
            Refusal: 429, the wait was too long.
        """
        try:
            async with asyncio.timeout(self._patience):
                await self._one.acquire()
        except TimeoutError:
            raise overloaded(f"no turn for a large request within {self._patience:g} s") from None
        try:
            yield
        finally:
            self._one.release()
