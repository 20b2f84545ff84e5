"""The two drivers of one search: they serve what its generator asks for.

    generator -> Need -> driver -> the part that can serve it -> result, or error -> generator

Neither knows the order of the stages; that is the generator's. What they add is time: each part
gets its share of the search's, and what it took is written down.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Generator
from typing import Any, Generic, TypeVar

from es_hybrid.drive.budget import Budget
from es_hybrid.drive.parts import Parts
from es_hybrid.errors import EsHybridError
from es_hybrid.retrieval.needs import Call, Need, Reply

T = TypeVar("T")
Timings = dict[str, float]

# Sends a request within so many seconds (None: its own limit); raises `ElasticsearchError`.
Send = Callable[[Call, float | None], Reply]
SendAsync = Callable[[Call, float | None], Awaitable[Reply]]


class Driver:
    """Drives searches with blocking calls. Safe to use from several threads.

    Args:
        send: Speaks to Elasticsearch, with whichever credentials are the caller's.
        parts: The embedder and the reranker.
    """

    def __init__(self, send: Send, parts: Parts) -> None:
        self._send = send
        self._parts = parts

    def run(
        self, search: Generator[Need, Any, T], *, timeout: float | None = None
    ) -> tuple[T, Timings]:
        """What the search returns, and the milliseconds of each stage and of the whole.

        Args:
            timeout: Seconds for the whole search; None for as long as it takes.

        Raises:
            EsHybridError: what the search does not catch.
        """
        course = _Course(search, self._parts.budget(timeout))
        while course.need is not None:
            try:
                result = self._serve(course.need, course.seconds)
            except EsHybridError as error:
                course.throw(error)
            else:
                course.send(result)
        return course.result, course.timings()

    def _serve(self, need: Need, seconds: float | None) -> Any:
        if isinstance(need, Call):
            return self._send(need, seconds)
        guard, work, wait = self._parts.task(need, seconds)
        return guard.run(work, wait)


class AsyncDriver:
    """As `Driver`, for asyncio. One for each request costs nothing."""

    def __init__(self, send: SendAsync, parts: Parts) -> None:
        self._send = send
        self._parts = parts

    async def run(
        self, search: Generator[Need, Any, T], *, timeout: float | None = None
    ) -> tuple[T, Timings]:
        """See `Driver.run`."""
        course = _Course(search, self._parts.budget(timeout))
        while course.need is not None:
            try:
                result = await self._serve(course.need, course.seconds)
            except EsHybridError as error:
                course.throw(error)
            else:
                course.send(result)
        return course.result, course.timings()

    async def _serve(self, need: Need, seconds: float | None) -> Any:
        if isinstance(need, Call):
            return await self._send(need, seconds)
        guard, work, wait = self._parts.task(need, seconds)
        return await guard.run_async(work, wait)


class _Course(Generic[T]):
    """One search under way: what it needs now, for how long, and what it took so far."""

    result: T

    def __init__(self, search: Generator[Need, Any, T], budget: Budget) -> None:
        self.need: Need | None = None
        self._search = search
        self._budget = budget
        self._timings: Timings = {}
        self._asked = budget.started
        self._step(lambda: next(search))

    @property
    def seconds(self) -> float | None:
        """For the present need."""
        assert self.need is not None
        return self._budget.seconds_for(self.need)

    def send(self, result: Any) -> None:
        """Hand the need's result over and go on to the next need, or the end."""
        self._note()
        self._step(lambda: self._search.send(result))

    def throw(self, error: EsHybridError) -> None:
        """Say why the need cannot be served."""
        self._note()
        self._step(lambda: self._search.throw(error))

    def timings(self) -> Timings:
        """Stage -> milliseconds, a stage asked for twice counted together; `total` at the end."""
        return {**self._timings, "total": 1000 * (time.monotonic() - self._budget.started)}

    def _note(self) -> None:
        assert self.need is not None
        spent = 1000 * (time.monotonic() - self._asked)
        self._timings[self.need.stage] = self._timings.get(self.need.stage, 0.0) + spent

    def _step(self, advance: Callable[[], Need]) -> None:
        try:
            self.need = advance()
        except StopIteration as end:
            self.need = None
            self.result = end.value
        self._asked = time.monotonic()
