"""The endpoints `_search`, `_msearch`, their templates, and `_async_search`.

Passes through what Elasticsearch can answer itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from es_hybrid.drive.driver import Timings
from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.http.answers import degraded_header, json_headers
from es_hybrid.http.refusal import refusal_of
from es_hybrid.retrieval.response import Retrieved, understood_as
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.json_text import check_depth
from es_hybrid.serve.rewriting.rewriting import Rewriting, as_plain
from es_hybrid.serve.rewriting.rules import HEADER
from es_hybrid.serve.search_api.async_parameters import (
    ASYNC_PARAMETERS,
    parse_async_parameters,
)
from es_hybrid.serve.search_api.async_searches import AsyncSearches, SearchAnswer
from es_hybrid.serve.search_api.msearch import MsearchItem
from es_hybrid.serve.search_api.parameters import Parameters, parse_parameters
from es_hybrid.serve.search_api.presentation import shown
from es_hybrid.serve.search_api.reading import endpoint_of, searches_of
from es_hybrid.serve.search_api.templates import Templates
from es_hybrid.serve.search_api.texts import size_of
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import msearch_lines
from es_hybrid.serve.upstream.lane import Lane
from es_hybrid.serve.upstream.relay import relay, relay_whole
from es_hybrid.serve.workers import LARGE_BODY

_KEPT, _STATUS = b"/_async_search/", b"/_async_search/status/"

# Bytes per second of searches that are too long to be read here. A core copies ten times as many.
_RATE = 64 * 1024 * 1024

# One answer of a multi-search, and the parts that failed.
_Answer = tuple[Mapping[str, Any], tuple[str, ...]]


class Searches:
    """Answers searches of Elasticsearch's API."""

    def __init__(self, services: Services, engine: Engine, callers: Callers) -> None:
        self._pool = services.pool
        self._engine = engine
        self._callers = callers
        self._bodies = services.bodies
        self._workers = services.workers
        self._settings = services.settings.serve
        self._templates = Templates(services, callers)
        self._async = AsyncSearches(services)
        self._rewriting = Rewriting(services.settings, services.metrics)
        self._lane = Lane(rate=_RATE, patience=self._settings.queue_seconds)

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            EsHybridError: the request cannot be answered.
        """
        if exchange.path.startswith(_KEPT):
            await self._kept(exchange)
            return
        async with self._bodies.read(exchange, self._settings.max_search_bytes) as body:
            if body is None:
                exchange.door = "pass"
                await relay(exchange, self._pool, lane=self._lane)
                return
            size = size_of(exchange, body)
            if size > self._settings.max_search_bytes:
                await self._passed(exchange, body, lane=self._lane)
            elif not await self._answered(exchange, body, size):
                await self._passed(exchange, body)

    async def _passed(self, exchange: Exchange, body: bytes, *, lane: Lane | None = None) -> None:
        """Pass a search through."""
        exchange.door = "pass"
        framed = exchange.header(b"content-length") or exchange.header(b"transfer-encoding")
        # A search changes nothing and can be sent twice.
        await relay_whole(
            exchange, self._pool, body if framed else None, repeatable=True, lane=lane
        )

    async def _answered(self, exchange: Exchange, body: bytes, size: int) -> bool:
        """Answer a search that needs es-hybrid; False for any other."""
        read = partial(searches_of, exchange, body, self._rewriting)
        searches = await self._workers.run(read, large=size > LARGE_BODY)
        if not searches:
            return False
        with exchange.ends_with_caller():
            if searches[0].template:
                searches = await self._templates.rendered(exchange, searches)
                if not any(search.ours for search in searches):
                    return False
            return await self._run(exchange, searches)

    async def _run(self, exchange: Exchange, searches: Sequence[MsearchItem]) -> bool:
        """Answer them; False if all that need es-hybrid do so by a rule, and cannot be answered."""
        exchange.rules = _rules(searches)
        try:
            match endpoint_of(exchange.path):
                case b"_search":
                    await self._search(exchange, searches[0])
                case b"_msearch":
                    await self._msearch(exchange, searches)
                case _:
                    await self._submit(exchange, searches[0])
        except EsHybridError as error:
            # Of a multi-search, only what concerns all of its searches comes here.
            if not all(search.rule for search in searches if search.ours):
                raise
            if not self._rewriting.gives_up(next(s for s in searches if s.ours), error):
                raise
            exchange.rules = ()
            return False
        return True

    async def _search(self, exchange: Exchange, search: MsearchItem) -> None:
        parameters = parse_parameters(exchange)
        if search.template:
            # As in Elasticsearch: of what belongs in a body, a template takes one parameter.
            body = {k: value for k, value in parameters.body.items() if k == "explain"}
            parameters = replace(parameters, body=body)
        content, degraded, large = await self._content(exchange, search, parameters)
        await self._show(exchange, content, parameters, degraded, large=large)

    async def _submit(self, exchange: Exchange, search: MsearchItem) -> None:
        """Start an asynchronous search."""
        parameters = parse_parameters(exchange, ASYNC_PARAMETERS)
        waits = parse_async_parameters(exchange, submits=True)
        caller = self._callers.caller(exchange.headers)
        run = self._content(exchange, search, parameters)
        content, degraded, large = await self._async.submit(run, caller, waits)
        await self._show(exchange, content, parameters, degraded, large=large)

    async def _kept(self, exchange: Exchange) -> None:
        """Answer a request about an asynchronous search that is kept here."""
        parameters = parse_parameters(exchange, ASYNC_PARAMETERS)
        caller = self._callers.caller(exchange.headers)
        id_ = exchange.path.rpartition(b"/")[2].decode("latin-1")
        status: int = 200
        answer: SearchAnswer
        with exchange.ends_with_caller():
            if exchange.method == "DELETE":
                answer = await self._async.delete(id_, caller), (), False
            elif exchange.path.startswith(_STATUS):
                answer = await self._async.status(id_, caller), (), False
            else:
                waits = parse_async_parameters(exchange, submits=False)
                status, answer = await self._async.found(id_, caller, waits)
        content, degraded, large = answer
        await self._show(exchange, content, parameters, degraded, large=large, status=status)

    async def _msearch(self, exchange: Exchange, searches: Sequence[MsearchItem]) -> None:
        """Answer es-hybrid's searches one by one, all others in one request; keeps their order."""
        parameters = parse_parameters(exchange)
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
        await self._show(exchange, content, parameters, degraded, large=True)

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
        turns = min(len(searches), max(1, self._settings.concurrency // 2))
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
            content, degraded, _ = await self._content(exchange, search, parameters)
        except EsHybridError as error:
            if self._rewriting.gives_up(search, error):
                return await self._as_it_was(exchange, search, parameters)
            return refusal_of(error).body(), ()
        return {**content, "status": 200}, degraded

    async def _as_it_was(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> _Answer:
        """Elasticsearch's answer to a search before a rule made it hybrid."""
        try:
            return (await self._theirs(exchange, [search], parameters))[0], ()
        except EsHybridError as error:
            return refusal_of(error).body(), ()

    async def _content(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> SearchAnswer:
        """The answer's content, the parts that failed, and whether it is large."""
        large = search.size > LARGE_BODY
        check = partial(check_depth, search.body, self._settings.max_depth)
        await self._workers.run(check, large=large)
        body = {**search.body, **parameters.body}
        if parameters.total_as_int:  # a number is always exact
            body = {"track_total_hits": True, **body}
        typed_keys = TypedKeys() if parameters.typed_keys else None
        found = await self._engine.search(
            body,
            index=search.index,
            forwarded={**parameters.forwarded, **search.forwarded},
            caller=self._callers.caller(exchange.headers, exchange.warnings),
            typed_keys=typed_keys,
            large=large,
        )
        retrieved = found.retrieved
        content = dict(retrieved.answer)
        if typed_keys is not None:
            restore = partial(typed_keys.restore, content)
            content = await self._workers.run(restore, large=found.large)
        if search.rule:
            return dict(as_plain(content, body)), retrieved.degraded, found.large
        extension = _extension(body, retrieved, found.timings)
        return content | extension, retrieved.degraded, found.large

    async def _show(
        self,
        exchange: Exchange,
        content: Mapping[str, Any],
        parameters: Parameters,
        degraded: tuple[str, ...],
        *,
        large: bool,
        status: int = 200,
    ) -> None:
        exchange.degraded = degraded
        headers = json_headers(exchange.header(b"accept")) + degraded_header(degraded)
        if exchange.rules:
            headers += [(HEADER, ", ".join(exchange.rules).encode("ascii"))]
        show = partial(shown, content, parameters)
        await exchange.answer(status, await self._workers.run(show, large=large), headers)


def _rules(searches: Sequence[MsearchItem]) -> tuple[str, ...]:
    """The rules that made searches hybrid, without duplicates."""
    return tuple(dict.fromkeys(search.rule for search in searches if search.rule))


def _extension(body: Mapping[str, Any], retrieved: Retrieved, timings: Timings) -> dict[str, Any]:
    """`ext.es_hybrid` of the answer, if the request has it or if there is something to report."""
    if not (retrieved.degraded or retrieved.notes or "es_hybrid" in (body.get("ext") or ())):
        return {}
    extension = {
        "degraded": retrieved.degraded,
        "notes": retrieved.notes,
        "reranked": retrieved.reranked,
        "filters": retrieved.filters,
        "timings": {stage: round(spent, 2) for stage, spent in timings.items()},
    }
    if retrieved.meaning is not None:
        facts = understood_as(retrieved.meaning)
        for name in ("understood", "synonyms"):  # `filter_path` selects from objects and lists
            facts[name] = list(map(asdict, facts[name]))
        extension |= {**facts, "zero_results": retrieved.not_found}
    return {"ext": {"es_hybrid": extension}}
