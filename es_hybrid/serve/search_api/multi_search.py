"""Multi-searches: es-hybrid's searches one by one, all others in one request to Elasticsearch."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.http.refusal import refusal_of
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.rewriting.rewriting import Rewriting
from es_hybrid.serve.search_api.answering import Answering, SearchAnswer
from es_hybrid.serve.search_api.msearch import MsearchItem
from es_hybrid.serve.search_api.parameters import Parameters
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import msearch_lines

# One answer of a multi-search, and the parts that failed.
_Answer = tuple[Mapping[str, Any], tuple[str, ...]]


class MultiSearch:
    """Answers the searches of a multi-search."""

    def __init__(
        self, services: Services, answering: Answering, callers: Callers, rewriting: Rewriting
    ) -> None:
        self._pool = services.pool
        self._workers = services.workers
        self._concurrency = services.settings.serve.concurrency
        self._answering = answering
        self._callers = callers
        self._rewriting = rewriting

    async def answered(
        self, exchange: Exchange, searches: Sequence[MsearchItem], parameters: Parameters
    ) -> SearchAnswer:
        """The answer, in the order of the searches.

        Raises:
            EsHybridError: what concerns all of them, such as an unknown parameter.
        """
        if parameters.body:
            raise RequestRefused(
                "request [_msearch] contains unrecognized parameter: "
                f"[{', '.join(parameters.body)}]"
            )
        started = time.perf_counter()
        ours = [search for search in searches if search.ours]
        theirs = [search for search in searches if not search.ours]
        # Where a cluster refuses an index in a body, a proxy decides by the path who reads what.
        # es-hybrid's own requests name the index in the path: Elasticsearch must see the header.
        theirs += [search.without_hits() for search in ours if search.names_index][:1]
        others, answers = await asyncio.gather(
            self._theirs(exchange, theirs, parameters), self._ours(exchange, ours, parameters)
        )
        left, right = iter(answers), iter(others)
        responses = [next(left) if search.ours else (next(right), ()) for search in searches]
        content = {
            "took": int((time.perf_counter() - started) * 1000),
            "responses": [response for response, _ in responses],
        }
        degraded = tuple(dict.fromkeys(line for _, lines in responses for line in lines))
        return SearchAnswer(content, degraded, large=True)

    async def _ours(
        self, exchange: Exchange, searches: Sequence[MsearchItem], parameters: Parameters
    ) -> list[_Answer]:
        """The answers to searches that need es-hybrid, in their order."""
        answers: dict[int, _Answer] = {}
        waiting = iter(enumerate(searches))

        async def answer_one_by_one() -> None:
            for place, search in waiting:
                answers[place] = await self._one_of_many(exchange, search, parameters)
                await asyncio.sleep(0)  # a refused search waits for nothing

        # One request must not take every place. Searches that wait here take none in the queue.
        turns = min(len(searches), max(1, self._concurrency // 2))
        async with asyncio.TaskGroup() as group:
            for _ in range(turns):
                group.create_task(answer_one_by_one())
        return [answers[place] for place in range(len(searches))]

    async def _theirs(
        self, exchange: Exchange, searches: Sequence[MsearchItem], parameters: Parameters
    ) -> list[Any]:
        """Elasticsearch's answers to the searches that it can answer, sent as received."""
        if not searches:
            return []
        reply = await msearch_lines(
            self._pool,
            self._callers.caller(exchange.headers).headers,
            b"".join(search.lines for search in searches),
            self._workers,
            path=exchange.path,
            typed_keys=parameters.typed_keys,
            params=parameters.forwarded,
            warnings=exchange.warnings,
        )
        if reply.status >= 400:
            kind = "upstream_exception"
            raise RequestRefused("refused", status=reply.status, type=kind, answer=reply.body)
        responses: list[Any] = reply.body["responses"]
        return responses

    async def _one_of_many(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> _Answer:
        """One answer of a multi-search; an error is an answer, too."""
        try:
            answer = await self._answering.answered(exchange, search, parameters)
        except EsHybridError as error:
            if self._rewriting.gives_up(search, error):
                return await self._as_it_was(exchange, search, parameters)
            return refusal_of(error).body(), ()
        return {**answer.content, "status": 200}, answer.degraded

    async def _as_it_was(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> _Answer:
        """Elasticsearch's answer to a search before a rule made it hybrid."""
        try:
            return (await self._theirs(exchange, [search], parameters))[0], ()
        except EsHybridError as error:
            return refusal_of(error).body(), ()
