"""The embedder and the reranker of a search, guarded: threads, time limits, circuit breakers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from es_hybrid.drive.queries import Embed
from es_hybrid.errors import (
    CanariesFailed,
    EmbeddingError,
    EsHybridError,
    RerankError,
    RerankSkipped,
)
from es_hybrid.reranking import Reranker, score_within
from es_hybrid.reranking.language import misfit
from es_hybrid.retrieval.needs import Call, Compute, EmbedQuery, Need, ScoreDocuments, Scores
from es_hybrid.settings import Settings

T = TypeVar("T")

# The reranker stops when its time is up, after the current batch. It is given a little longer,
# since what it has scored by then is worth having.
_GRACE = 1.1

# Calls that run or were given up; further ones wait within their time.
_THREADS = 32

# Every embedder embeds it and every reranker scores it. One that fails at this is at fault itself.
HARMLESS = "es-hybrid asks whether this works"
# Seconds for harmless input where a search has no limit.
_UNLIMITED = 10.0

# Does harmless work within some seconds, or raises the part's error.
Harmless = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class TimeShares:
    """How a search's time is shared out.

    Attributes:
        embedding: Share of the whole, (0, 1].
        rerank: Seconds, at most; None for the rest of the time.
    """

    embedding: float = 0.4
    rerank: float | None = None


class Parts:
    """The embedder and the reranker, shared by many searches.

    Args:
        reranker: None if none is configured.
    """

    def __init__(self, embed: Embed, reranker: Reranker | None, settings: Settings) -> None:
        self._embed = embed
        self._reranker = reranker
        self._weight = settings.rerank.weight
        deadline_ms = settings.rerank.deadline_ms
        self.shares = TimeShares(
            embedding=settings.search.embedding_share,
            rerank=None if deadline_ms is None else deadline_ms / 1000,
        )
        whole = settings.search.timeout_ms / 1000 or _UNLIMITED

        def guard(error: type[EsHybridError], harmless: Harmless, patience: float) -> Guard:
            breaker = CircuitBreaker(
                partial(_in_thread, harmless, patience),
                failures=settings.search.breaker_failures,
                pause=settings.search.breaker_pause,
                patience=patience,
            )
            return Guard(error, breaker)

        self._embedding = guard(EmbeddingError, self._embed_harmless, whole * self.shares.embedding)
        self._reranking = guard(RerankError, self._score_harmless, self.shares.rerank or whole)

    def known(self, need: Need) -> Sequence[float] | None:
        """What a need is served with at once: the vector of a query embedded before."""
        return self._embed.known(need) if isinstance(need, EmbedQuery) else None

    def task(
        self, need: Need, seconds: float | None
    ) -> tuple[Guard, Callable[[], Any], float | None]:
        """The guard of the part that serves a need, the work, and how many seconds to wait."""
        assert not isinstance(need, Call | Compute)
        if isinstance(need, EmbedQuery):
            return self._embedding, lambda: self._embed(need, seconds), seconds
        reranker = self._reranker
        assert reranker is not None, "a plan reranks without a reranker"
        deadline = None if seconds is None else time.monotonic() + seconds
        wait = None if seconds is None else seconds * _GRACE
        return self._reranking, lambda: _score(reranker, need, deadline, self._weight), wait

    def close(self) -> None:
        """Start nothing more; running calls end on their own."""
        self._embedding.close()
        self._reranking.close()

    def _embed_harmless(self, seconds: float) -> None:
        self._embed(EmbedQuery(HARMLESS), seconds)

    def _score_harmless(self, seconds: float) -> None:
        """Whatever the language: the reranker works, even where it does not suit."""
        assert self._reranker is not None
        # A reranker that fails its canaries answers. A pause would hide the cause.
        with contextlib.suppress(CanariesFailed):
            if score_within(self._reranker, HARMLESS, [HARMLESS], seconds=seconds).late:
                raise RerankError("no score in time")


def _score(
    reranker: Reranker, need: ScoreDocuments, deadline: float | None, weight: float | None
) -> Scores:
    if reason := misfit(reranker.languages, need.query, need.documents, need.langs):
        raise RerankSkipped(reason)
    seconds = None if deadline is None else deadline - time.monotonic()
    scored = score_within(
        reranker, need.query, need.documents, need.instruction, seconds=seconds, raw=need.raw
    )
    return Scores(scored.scores, weight or reranker.weight)


def _in_thread(harmless: Harmless, seconds: float) -> Future[None]:
    """Start harmless work in a thread of its own: the part's may all be held."""
    future: Future[None] = Future()

    def run() -> None:
        try:
            harmless(seconds)
        except Exception as error:
            future.set_exception(error)
        else:
            future.set_result(None)

    threading.Thread(target=run, name="es-hybrid-probe", daemon=True).start()
    return future


class Guard:
    """Calls one part in threads of its own, so that a part that hangs blocks no other.

    Neither a server that trickles its answer nor a model in the middle of a large batch can hold
    the caller beyond its time, and asyncio's event loop is never blocked. A thread that is given up
    ends with its own work.

    Args:
        error: Type of the part's failures; raised for timeouts as well.
    """

    def __init__(self, error: type[EsHybridError], breaker: CircuitBreaker) -> None:
        self._error = error
        self._breaker = breaker
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="es-hybrid-search")

    def run(self, work: Callable[[], T], seconds: float | None) -> T:
        """The result of the work.

        Args:
            seconds: How long to wait; None for no limit.

        Raises:
            EsHybridError: of the guard's type, also if time is up or the part is paused.
        """
        with self._watching(seconds):
            future = self._threads.submit(work)
            try:
                return future.result(seconds)
            finally:
                future.cancel()  # no longer wanted if it still waits for a thread

    async def run_async(self, work: Callable[[], T], seconds: float | None) -> T:
        """As `run`, awaited."""
        with self._watching(seconds):
            future = asyncio.wrap_future(self._threads.submit(work))
            return await asyncio.wait_for(future, seconds)

    def close(self) -> None:
        """Start nothing more; running calls end on their own."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    @contextlib.contextmanager
    def _watching(self, seconds: float | None) -> Iterator[None]:
        if seconds is not None and seconds <= 0:
            raise self._error("no time left")
        if not self._breaker.admits():
            raise self._error("paused after repeated failures")
        try:
            yield
        except TimeoutError:
            self._breaker.failed()
            within = "in time" if seconds is None else f"within {seconds:.3g} s"
            raise self._error(f"no answer {within}") from None
        except self._error:
            self._breaker.failed()
            raise
        self._breaker.succeeded()


class CircuitBreaker:
    """Pauses a part that fails even with harmless input. Safe to use from several threads.

    The input of a search can itself be at fault: refused by the part, too long, too slow for the
    time that the caller gives. So failures in a row pause nothing yet: the part is probed with
    harmless input, and paused only if it fails at that as well. A paused part is probed again
    after each pause. No search serves as a probe, so no caller decides its outcome.

    Nygard, "Release It!", 2nd edition, 2018, chapter 5. Own code, since pybreaker 1.4 holds its
    lock while the part works (one query at a time) and has no asyncio.

    Args:
        probe: Starts a call with harmless input.
        failures: Number of consecutive failures after which the part is probed.
        pause: Seconds from a failed probe to the next one.
        patience: Seconds that a probe may take. Nothing waits for it: searches are admitted until
            it has failed.
        clock: Returns seconds.
    """

    def __init__(
        self,
        probe: Callable[[], Future[None]],
        *,
        failures: int,
        pause: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._start_probe = probe
        self._limit = failures
        self._pause = pause
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._paused = False
        self._probe: Future[None] | None = None
        # When the present probe has failed, or when the next one is due.
        self._deadline = 0.0

    def admits(self) -> bool:
        """Whether the part may be called now."""
        with self._lock:
            self._judge()
            if self._paused and self._clock() >= self._deadline:
                self._begin()
            return not self._paused

    def succeeded(self) -> None:
        """The part answered a search."""
        with self._lock:
            self._failed = 0
            self._paused = False

    def failed(self) -> None:
        """A search got no answer, or none in time."""
        with self._lock:
            self._judge()
            self._failed += 1
            if self._failed >= self._limit and not self._paused:
                self._begin()

    def _begin(self) -> None:
        if self._probe is None:
            self._probe = self._start_probe()
            self._deadline = self._clock() + self._patience

    def _judge(self) -> None:
        """Take note of the probe, if it has ended or its time is up."""
        probe = self._probe
        if probe is None or not (probe.done() or self._clock() >= self._deadline):
            return
        self._probe = None
        self._failed = 0
        self._paused = not probe.done() or probe.exception() is not None
        self._deadline = self._clock() + self._pause
