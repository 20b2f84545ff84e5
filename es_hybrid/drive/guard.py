"""Asking a part that may be dead or slow without waiting for it longer than one may."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from es_hybrid.drive.breaker import CircuitBreaker
from es_hybrid.errors import EsHybridError

T = TypeVar("T")

# At most so many at work or given up at once; whoever comes later waits within their time.
_THREADS = 32


class Guard:
    """Stands before one part, with threads of its own: one that hangs holds up no other.

    The work is done in a thread, so that neither a server that trickles its answer nor a model
    amid a large batch can hold the caller past its time, and asyncio's loop is never blocked. A
    thread that is given up ends with its own work.

    Args:
        error: What the part's failures are, and what is raised in its place.
    """

    def __init__(self, error: type[EsHybridError], breaker: CircuitBreaker) -> None:
        self._error = error
        self._breaker = breaker
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="es-hybrid-search")

    def run(self, work: Callable[[], T], seconds: float | None) -> T:
        """The work's result.

        Args:
            seconds: To wait; None for as long as it takes.

        Raises:
            EsHybridError: of the guard's kind, also when time is up or the part is left alone.
        """
        with self._watching(seconds):
            future = self._threads.submit(work)
            try:
                return future.result(seconds)
            finally:
                future.cancel()  # what waits still for a thread is not wanted any more

    async def run_async(self, work: Callable[[], T], seconds: float | None) -> T:
        """As `run`, awaited."""
        with self._watching(seconds):
            future = asyncio.wrap_future(self._threads.submit(work))
            return await asyncio.wait_for(future, seconds)

    def close(self) -> None:
        """Begin nothing more; what is at work ends by itself."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def _watching(self, seconds: float | None) -> Iterator[None]:
        if not self._breaker.admits():
            raise self._error("left alone for a while after repeated failures")
        try:
            yield
        except TimeoutError:
            self._breaker.failed()
            within = "in time" if seconds is None else f"within {1000 * seconds:.0f} ms"
            raise self._error(f"no answer {within}") from None
        except self._error:
            self._breaker.failed()
            raise
        self._breaker.succeeded()
