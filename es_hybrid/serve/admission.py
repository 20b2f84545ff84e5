"""Limit of concurrent work: a number of places, a short queue, and 429 beyond it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from es_hybrid.http.refusal import Refusal

_RETRY_AFTER = b"1"  # seconds: a place is free again after a search or two


class Admission:
    """Places for searches and rerankings.

    Args:
        places: Maximum number of searches and rerankings in progress.
        queue: Maximum number of requests that wait for a place.
        patience: Seconds that a request waits for a place.
    """

    def __init__(self, *, places: int, queue: int, patience: float) -> None:
        self._places = asyncio.Semaphore(places)
        self._queue = queue
        self._patience = patience
        self.waiting = 0
        self.in_progress = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Hold a place inside the block.

        Raises:
            Refusal: 429, the queue is full or the wait too long.
        """
        await self._wait()
        self.in_progress += 1
        try:
            yield
        finally:
            self.in_progress -= 1
            self._places.release()

    async def _wait(self) -> None:
        if self._places.locked() and self.waiting >= self._queue:
            raise overloaded(f"{self.waiting} requests are already waiting (serve.queue)")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._patience):
                await self._places.acquire()
        except TimeoutError:
            raise overloaded(f"no place for {self._patience:g} s (serve.concurrency)") from None
        finally:
            self.waiting -= 1


def overloaded(why: str) -> Refusal:
    """The refusal of a request for which there is no place, status 429."""
    return Refusal(
        429,
        "es_rejected_execution_exception",
        f"es-hybrid is overloaded: {why}",
        [(b"retry-after", _RETRY_AFTER)],
    )
