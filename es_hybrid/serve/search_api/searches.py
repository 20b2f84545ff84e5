"""The endpoints `_search`, `_msearch`, their templates, and `_async_search`.

Passes through what Elasticsearch can answer itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from es_hybrid.errors import EsHybridError
from es_hybrid.http.answers import degraded_header, json_headers
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.rewriting.rewriting import Rewriting
from es_hybrid.serve.rewriting.rules import HEADER
from es_hybrid.serve.search_api.answering import Answering, SearchAnswer
from es_hybrid.serve.search_api.async_parameters import (
    ASYNC_PARAMETERS,
    parse_async_parameters,
)
from es_hybrid.serve.search_api.async_searches import AsyncSearches
from es_hybrid.serve.search_api.msearch import MsearchItem
from es_hybrid.serve.search_api.multi_search import MultiSearch
from es_hybrid.serve.search_api.parameters import Parameters, parse_parameters
from es_hybrid.serve.search_api.presentation import shown
from es_hybrid.serve.search_api.reading import endpoint_of, searches_of
from es_hybrid.serve.search_api.templates import Templates
from es_hybrid.serve.search_api.texts import size_of
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.lane import Lane
from es_hybrid.serve.upstream.relay import relay, relay_whole
from es_hybrid.serve.workers import LARGE_BODY

_KEPT, _STATUS = b"/_async_search/", b"/_async_search/status/"

# Bytes per second of searches that are too long to be read here. A core copies ten times as many.
_RATE = 64 * 1024 * 1024


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
        self._answering = Answering(services, engine, callers)
        self._many = MultiSearch(services, self._answering, callers, self._rewriting)
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
            if any(search.ruled for search in searches):
                searches = await self._ruled(exchange, searches)
            if not any(search.ours for search in searches):
                return False
            return await self._run(exchange, searches)

    async def _ruled(self, exchange: Exchange, searches: list[MsearchItem]) -> list[MsearchItem]:
        """The searches; those with query rules are the cluster's if it has these."""
        caller = self._callers.caller(exchange.headers)
        if not await self._engine.runs_query_rules(caller):
            return searches
        return [replace(each, ours=each.ours and not each.ruled) for each in searches]

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
        answer = await self._answering.answered(exchange, search, parameters)
        await self._show(exchange, answer, parameters)

    async def _submit(self, exchange: Exchange, search: MsearchItem) -> None:
        """Start an asynchronous search."""
        parameters = parse_parameters(exchange, ASYNC_PARAMETERS)
        waits = parse_async_parameters(exchange, submits=True)
        caller = self._callers.caller(exchange.headers)
        run = self._answering.answered(exchange, search, parameters)
        await self._show(exchange, await self._async.submit(run, caller, waits), parameters)

    async def _kept(self, exchange: Exchange) -> None:
        """Answer a request about an asynchronous search that is kept here."""
        parameters = parse_parameters(exchange, ASYNC_PARAMETERS)
        caller = self._callers.caller(exchange.headers)
        id_ = exchange.path.rpartition(b"/")[2].decode("latin-1")
        status = 200
        with exchange.ends_with_caller():
            if exchange.method == "DELETE":
                answer = SearchAnswer(await self._async.delete(id_, caller))
            elif exchange.path.startswith(_STATUS):
                answer = SearchAnswer(await self._async.status(id_, caller))
            else:
                waits = parse_async_parameters(exchange, submits=False)
                status, answer = await self._async.found(id_, caller, waits)
        await self._show(exchange, answer, parameters, status=status)

    async def _msearch(self, exchange: Exchange, searches: Sequence[MsearchItem]) -> None:
        parameters = parse_parameters(exchange)
        answer = await self._many.answered(exchange, searches, parameters)
        await self._show(exchange, answer, parameters)

    async def _show(
        self,
        exchange: Exchange,
        answer: SearchAnswer,
        parameters: Parameters,
        *,
        status: int = 200,
    ) -> None:
        exchange.degraded = answer.degraded
        headers = json_headers(exchange.header(b"accept")) + degraded_header(answer.degraded)
        if exchange.rules:
            headers += [(HEADER, ", ".join(exchange.rules).encode("ascii"))]
        show = partial(shown, answer.content, parameters)
        await exchange.answer(status, await self._workers.run(show, large=answer.large), headers)


def _rules(searches: Sequence[MsearchItem]) -> tuple[str, ...]:
    """The rules that made searches hybrid, without duplicates."""
    return tuple(dict.fromkeys(search.rule for search in searches if search.rule))
