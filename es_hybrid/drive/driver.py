"""The two drivers of a search, blocking and asynchronous: they serve what its generator needs.

    generator -> Need -> driver -> the part that serves it -> result, or error -> generator

Neither knows the order of the stages; that is the generator's. They add time limits: each part gets
its share of the search's time, and the time it took is recorded.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator
from contextlib import AbstractContextManager, nullcontext, suppress
from functools import partial
from typing import Any, Generic, TypeVar

from es_hybrid.drive.parts import Parts, TimeShares
from es_hybrid.errors import EsHybridError, SearchCancelled
from es_hybrid.retrieval.needs import Call, Compute, EmbedQuery, Need, Reply

T = TypeVar("T")
Timings = dict[str, float]

# Sends a request within some seconds (None: the client's limit); raises `ElasticsearchError`.
Send = Callable[[Call, float | None], Reply]
SendAsync = Callable[[Call, float | None], Awaitable[Reply]]

# Entered while a need is served.
Around = Callable[[Need], AbstractContextManager[object]]

# Runs a step of a search elsewhere.
InThread = Callable[[Callable[[], None]], Awaitable[None]]

# Seconds for a cancelled search to close what it opened.
_CLOSING_SECONDS = 5.0
# Asyncio itself does not keep tasks alive.
_CLOSING: set[asyncio.Task[None]] = set()

# Share of the whole kept back from the reranker: its last batch may run over, and the page still
# has to be read.
_RESERVE = 0.15


class Driver:
    """Drives searches with blocking calls. Safe to use from several threads.

    Args:
        send: Sends requests to Elasticsearch, with the caller's credentials.
        parts: The embedder and the reranker.
    """

    def __init__(self, send: Send, parts: Parts) -> None:
        self._send = send
        self._parts = parts

    def run(
        self, search: Generator[Need, Any, T], *, timeout: float | None = None
    ) -> tuple[T, Timings]:
        """The result of the search, and the milliseconds of each stage and of the whole.

        Args:
            timeout: Seconds for the whole search; None for no limit.

        Raises:
            EsHybridError: what the search does not handle.
        """
        course = _Course(search, timeout, self._parts.shares)
        course.step(None)
        while course.need is not None:
            if (known := self._parts.known(course.need)) is not None:
                course.step(known, timed=False)
                continue
            try:
                result = self._serve(course.need, course.seconds)
            except EsHybridError as error:
                course.step(error)
            else:
                course.step(result)
        return course.result, course.timings()

    def _serve(self, need: Need, seconds: float | None) -> Any:
        if isinstance(need, Call):
            return self._send(need, seconds)
        if isinstance(need, Compute):
            return need.run()
        guard, work, wait = self._parts.task(need, seconds)
        return guard.run(work, wait)


class AsyncDriver:
    """As `Driver`, for asyncio. Cheap enough to make one for each request.

    Args:
        around: Context in which each need is served, for tracing.
        in_thread: Runs a step that has much to do; by default the event loop waits for it.
    """

    def __init__(
        self,
        send: SendAsync,
        parts: Parts,
        *,
        around: Around = lambda _: nullcontext(),
        in_thread: InThread | None = None,
    ) -> None:
        self._send = send
        self._parts = parts
        self._around = around
        self._in_thread = in_thread

    async def run(
        self,
        search: Generator[Need, Any, T],
        *,
        timeout: float | None = None,
        large: bool = False,
    ) -> tuple[T, Timings]:
        """See `Driver.run`. A search that is cancelled still closes what it opened.

        Args:
            large: Whether each step has much to do; after a large reply, all others have.
        """
        course = _Course(search, timeout, self._parts.shares)
        try:
            await self._advance(course, None, large=large)
            while course.need is not None:
                if (known := self._parts.known(course.need)) is not None:
                    course.step(known, timed=False)
                    continue
                outcome: Any
                try:
                    with self._around(course.need):
                        outcome = await self._serve(course.need, course.seconds)
                except EsHybridError as error:
                    outcome = error
                large = large or (isinstance(outcome, Reply) and outcome.large)
                await self._advance(course, outcome, large=large)
        except asyncio.CancelledError:
            closing = asyncio.create_task(self._close(course))
            _CLOSING.add(closing)
            closing.add_done_callback(_CLOSING.discard)
            raise
        return course.result, course.timings()

    async def _advance(self, course: _Course[T], outcome: Any, *, large: bool) -> None:
        if not large or self._in_thread is None:
            course.step(outcome)
            return
        course.in_thread = asyncio.ensure_future(self._in_thread(partial(course.step, outcome)))
        await asyncio.shield(course.in_thread)  # a thread is not interrupted

    async def _close(self, course: _Course[T]) -> None:
        if course.in_thread is not None:
            await asyncio.gather(course.in_thread, return_exceptions=True)
        with suppress(EsHybridError):
            course.step(SearchCancelled("the caller left"))
            while isinstance(course.need, Call):
                course.step(await self._send(course.need, _CLOSING_SECONDS))

    async def _serve(self, need: Need, seconds: float | None) -> Any:
        if isinstance(need, Call):
            return await self._send(need, seconds)
        if isinstance(need, Compute):
            return await asyncio.to_thread(need.run)
        guard, work, wait = self._parts.task(need, seconds)
        return await guard.run_async(work, wait)


class _Course(Generic[T]):
    """The course of one search: its present need, the time left, the time taken."""

    result: T

    def __init__(
        self, search: Generator[Need, Any, T], timeout: float | None, shares: TimeShares
    ) -> None:
        self.need: Need | None = None
        self.in_thread: asyncio.Future[None] | None = None
        self._search = search
        self._timeout = timeout
        self._shares = shares
        self._timings: Timings = {}
        self._started = self._asked = time.monotonic()

    @property
    def seconds(self) -> float | None:
        """Seconds for the present need, >= 0; None for no limit."""
        match self.need:
            case EmbedQuery():
                return self._until(self._shares.embedding)
            case Call(within=within):
                return _least(self._until(1.0), within)
            case Compute():
                return self._until(1.0)
            case _:
                return _least(self._until(1.0 - _RESERVE), self._shares.rerank)

    def step(self, outcome: Any, *, timed: bool = True) -> None:
        """Hand over the result of the need, or its error, and advance to the next need.

        Args:
            timed: Whether the time counts as that of the part which served the need.
        """
        if self.need is not None and timed:
            spent = 1000 * (time.monotonic() - self._asked)
            self._timings[self.need.stage] = self._timings.get(self.need.stage, 0.0) + spent
        try:
            if isinstance(outcome, EsHybridError):
                self.need = self._search.throw(outcome)
            else:
                self.need = self._search.send(outcome)
        except StopIteration as end:
            self.need = None
            self.result = end.value
        self._asked = time.monotonic()

    def timings(self) -> Timings:
        """Stage -> milliseconds, repeated stages added up; `total` for the whole."""
        return {**self._timings, "total": 1000 * (time.monotonic() - self._started)}

    def _until(self, share: float) -> float | None:
        if self._timeout is None:
            return None
        return max(0.0, self._started + self._timeout * share - time.monotonic())


def _least(*limits: float | None) -> float | None:
    return min((limit for limit in limits if limit is not None), default=None)
