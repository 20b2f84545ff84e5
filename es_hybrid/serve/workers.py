"""Keeps work whose cost a caller controls off the event loop.

Everything runs in one event loop, so what takes long there delays every other request. A thread
costs 0.1 ms, which is more than the work itself for most requests: so only large ones go there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["LARGE_ANSWER", "LARGE_BODY", "Workers"]

T = TypeVar("T")

# Bytes. Up to here, JSON made up to be slow is decoded, checked and parsed within 2 ms.
LARGE_BODY = 32 * 1024
# Bytes. Answers have Elasticsearch's form: up to here, they are decoded and ranked within 2 ms.
LARGE_ANSWER = 128 * 1024

# More would only compete for the interpreter's lock.
_THREADS = 2


class Workers:
    """A few threads for large bodies and answers."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="es-hybrid-large")

    async def run(self, work: Callable[[], T], *, large: bool) -> T:
        """The result of the work: made at once, or in a thread if it is large."""
        if not large:
            return work()
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Start nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)
