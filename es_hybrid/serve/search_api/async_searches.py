"""Asynchronous searches: those that run here are kept here until their caller asks for them.

They are kept in memory, within limits on their number, size and time. Ids cannot be guessed, and
only the caller who started a search finds it.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from es_hybrid.errors import RequestRefused
from es_hybrid.http.answers import encoded
from es_hybrid.http.refusal import Refusal, refusal_of
from es_hybrid.retrieval.needs import Call
from es_hybrid.serve.admission import overloaded
from es_hybrid.serve.callers import Caller
from es_hybrid.serve.search_api.answering import SearchAnswer
from es_hybrid.serve.search_api.async_parameters import AsyncParameters
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import Sender
from es_hybrid.serve.workers import LARGE_ANSWER

logger = logging.getLogger(__name__)

# Begins the id of each search that is kept here; Elasticsearch's ids have no such sign.
ID_PREFIX = "es-hybrid."

# Searches that are kept, in all and for one caller.
_MOST, _EACH = 200, 50
# Bytes of one answer (Elasticsearch's own limit) and of all that are kept.
_LARGEST, _ROOM = 10 * 1024 * 1024, 64 * 1024 * 1024
# Seconds that a search is kept at most.
_LONGEST = 3600.0
_NOT_ADMITTED = (401, 403)
# Until Elasticsearch has answered.
_NOTHING_YET: Mapping[str, Any] = {
    "took": 0,
    "timed_out": False,
    "num_reduce_phases": 0,
    "_shards": {"total": 0, "successful": 0, "skipped": 0, "failed": 0},
    "hits": {"total": {"value": 0, "relation": "gte"}, "max_score": None, "hits": []},
}


@dataclass(slots=True)
class _Search:
    """One search.

    Attributes:
        owner: Who started it; see `Caller.key`.
        started: Milliseconds since 1970; likewise `expires` and `completed`.
        kept: Whether the answer is stored when it comes.
        awaited: Whether the caller who started it still waits for the answer.
        answer: What it found, before it is stored.
        text: The stored answer as JSON.
        refusal: Why there is none.
    """

    owner: bytes
    started: float
    expires: float
    id: str = field(default_factory=lambda: ID_PREFIX + secrets.token_urlsafe(32))
    kept: bool = False
    awaited: bool = True
    completed: float | None = None
    answer: SearchAnswer | None = None
    text: bytes = b""
    degraded: tuple[str, ...] = ()
    refusal: RequestRefused | None = None
    task: asyncio.Task[None] | None = None
    timer: asyncio.TimerHandle | None = None

    def head(self) -> dict[str, Any]:
        """The part of an answer that is about the search itself."""
        running = self.completed is None
        head: dict[str, Any] = {
            "is_partial": running or self.refusal is not None,
            "is_running": running,
            "start_time_in_millis": int(self.started),
            "expiration_time_in_millis": int(self.expires),
        }
        if self.completed is not None:
            head["completion_time_in_millis"] = int(self.completed)
        return head


class AsyncSearches:
    """The asynchronous searches of a server."""

    def __init__(self, services: Services) -> None:
        self._pool = services.pool
        self._workers = services.workers
        self._searches: dict[str, _Search] = {}
        self._room = _ROOM

    async def submit(
        self,
        run: Coroutine[Any, Any, SearchAnswer],
        caller: Caller,
        parameters: AsyncParameters,
    ) -> SearchAnswer:
        """Start a search, and answer when it is complete or its caller has waited long enough.

        Raises:
            EsHybridError: the search fails meanwhile.
            Refusal: 429, too many searches are kept.
        """
        search = self._started(run, caller, parameters)
        assert search.task is not None
        try:
            await asyncio.wait({search.task}, timeout=parameters.wait)
        except asyncio.CancelledError:
            self._forget(search)
            raise
        search.awaited = False
        if search.completed is None:
            search.kept = True
            return SearchAnswer({"id": search.id, **search.head(), "response": _NOTHING_YET})
        if search.refusal is not None:
            self._forget(search)
            raise search.refusal
        assert search.answer is not None
        answer, search.answer = search.answer, None
        head = {"id": search.id, **search.head()} if search.kept else search.head()
        if not search.kept:
            self._forget(search)
        return answer._replace(content={**head, "response": answer.content})

    async def found(
        self, id_: str, caller: Caller, parameters: AsyncParameters
    ) -> tuple[int, SearchAnswer]:
        """Status and answer of a search that was started before.

        Raises:
            RequestRefused: there is none, or Elasticsearch does not know the caller any more.
        """
        search = await self._owned(id_, caller)
        if parameters.keep is not None:
            self._expire(search, parameters.keep)
        if search.completed is None and parameters.wait:
            assert search.task is not None
            await asyncio.wait({search.task}, timeout=parameters.wait)
        head = {"id": search.id, **search.head()}
        if search.completed is None:
            return 200, SearchAnswer({**head, "response": _NOTHING_YET})
        if search.refusal is not None:
            body = search.refusal.body()
            return search.refusal.status, SearchAnswer({**head, "error": body["error"]})
        text = search.text
        large = len(text) > LARGE_ANSWER
        response = await self._workers.run(lambda: orjson.loads(text), large=large)
        return 200, SearchAnswer({**head, "response": response}, search.degraded, large)

    async def status(self, id_: str, caller: Caller) -> dict[str, Any]:
        """The state of a search, without its answer.

        Raises:
            RequestRefused: as `found`.
        """
        search = await self._owned(id_, caller)
        status = {"id": search.id, **search.head()}
        if search.completed is None or search.refusal is not None:
            status["_shards"] = _NOTHING_YET["_shards"]
        else:
            status["_shards"] = orjson.loads(search.text)["_shards"]
        if search.completed is not None:
            status["completion_status"] = search.refusal.status if search.refusal else 200
        return status

    async def delete(self, id_: str, caller: Caller) -> dict[str, Any]:
        """Cancel a search, or forget its answer.

        Raises:
            RequestRefused: as `found`.
        """
        self._forget(await self._owned(id_, caller))
        return {"acknowledged": True}

    def _started(
        self,
        run: Coroutine[Any, Any, SearchAnswer],
        caller: Caller,
        parameters: AsyncParameters,
    ) -> _Search:
        own = sum(each.owner == caller.key for each in self._searches.values())
        if len(self._searches) >= _MOST or own >= _EACH:
            run.close()
            raise overloaded(f"{own} asynchronous searches of this caller are kept; delete some")
        now = time.time() * 1000
        search = _Search(caller.key, started=now, expires=now, kept=parameters.keep_on_completion)
        self._searches[search.id] = search
        self._expire(search, parameters.keep or _LONGEST)
        search.task = asyncio.create_task(self._run(search, run))
        return search

    async def _run(self, search: _Search, run: Coroutine[Any, Any, SearchAnswer]) -> None:
        try:
            answer = await run
            if search.kept:
                await self._store(search, answer)
            if search.awaited:
                search.answer = answer
        except Exception as error:
            search.refusal = refusal_of(error)
            if search.refusal.status in _NOT_ADMITTED:
                # Whoever has no right to search must not take the place of others.
                self._forget(search)
            elif search.refusal.status >= 500:
                logger.warning("an asynchronous search failed", exc_info=error)
        search.completed = time.time() * 1000

    async def _store(self, search: _Search, answer: SearchAnswer) -> None:
        text = await self._workers.run(lambda: encoded(answer.content), large=answer.large)
        if len(text) > _LARGEST:
            raise RequestRefused(
                f"Can't store an async search response larger than [{_LARGEST}] bytes",
                remedy="ask for fewer hits, or for less of their [_source]",
            )
        if search.id not in self._searches:
            return
        if len(text) > self._room:
            raise overloaded("no room for the answers of asynchronous searches")
        self._room -= len(text)
        search.text, search.degraded = text, answer.degraded

    async def _owned(self, id_: str, caller: Caller) -> _Search:
        """The caller's search; whose credentials were revoked gets Elasticsearch's own refusal."""
        search = self._searches.get(id_)
        if search is None or not secrets.compare_digest(search.owner, caller.key):
            raise Refusal(404, "resource_not_found_exception", id_)
        reply = await Sender(self._pool, caller.headers, self._workers)(Call("GET", "/"), None)
        if reply.status == 401:
            raise RequestRefused(
                "refused", status=401, type="security_exception", answer=reply.body
            )
        return search

    def _expire(self, search: _Search, seconds: float) -> None:
        """Forget the search in so many seconds, or sooner if that is too long."""
        if search.timer is not None:
            search.timer.cancel()
        seconds = min(seconds, _LONGEST)
        search.expires = (time.time() + seconds) * 1000
        loop = asyncio.get_running_loop()
        search.timer = loop.call_later(seconds, self._forget, search)

    def _forget(self, search: _Search) -> None:
        if self._searches.pop(search.id, None) is None:
            return
        self._room += len(search.text)
        if search.timer is not None:
            search.timer.cancel()
        if search.task is not None:
            search.task.cancel()
