"""Asking a part that may be dead or slow without waiting for it longer than one may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import TypeVar

from es_hybrid.drive.breaker import CircuitBreaker
from es_hybrid.errors import EsHybridError

T = TypeVar("T")


class Guard:
    """Stands before one part.

    The work is done in a thread, so that neither a server that trickles its answer nor a model
    amid a large batch can hold the caller past its time, and asyncio's loop is never blocked. A
    thread that is given up ends with its own work.

    Args:
        error: What the part's failures are, and what is raised in its place.
        threads: Where the work is done.
    """

    def __init__(
        self, error: type[EsHybridError], *, threads: Executor, breaker: CircuitBreaker
    ) -> None:
        self._error = error
        self._threads = threads
        self._breaker = breaker

    def run(self, work: Callable[[], T], seconds: float | None) -> T:
        """The work's result.

        Args:
            seconds: To wait; None for as long as it takes.

        Raises:
            EsHybridError: of the guard's kind, also when time is up or the part is left alone.
        """
        with self._watching(seconds):
            return self._threads.submit(work).result(seconds)

    async def run_async(self, work: Callable[[], T], seconds: float | None) -> T:
        """As `run`, awaited."""
        with self._watching(seconds):
            future = asyncio.wrap_future(self._threads.submit(work))
            return await asyncio.wait_for(future, seconds)

    @contextlib.contextmanager
    def _watching(self, seconds: float | None) -> Iterator[None]:
        if not self._breaker.admits():
            raise self._error("left alone for a while after repeated failures")
        try:
            yield
        except TimeoutError:
            self._breaker.failed()
            raise self._error(f"no answer within {1000 * (seconds or 0):.0f} ms") from None
        except self._error:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
