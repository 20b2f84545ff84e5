"""The endpoints `_search` and `_msearch`. Passes through what Elasticsearch can answer itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import orjson

from es_hybrid.drive.driver import Timings
from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.http.answers import degraded_header, json_headers
from es_hybrid.http.refusal import refusal_of
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.retriever_dsl.body import understood
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.search_api.msearch import MsearchItem, parse_msearch
from es_hybrid.serve.search_api.parameters import Parameters, parse_parameters
from es_hybrid.serve.search_api.presentation import shown
from es_hybrid.serve.search_api.texts import check_depth, text_of
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import msearch_lines
from es_hybrid.serve.upstream.relay import relay, relay_whole

# A body without any of these passes through unparsed. `\\u` because keys may contain escapes.
_SIGNS = (b"retriever", b"es_hybrid", b"\\u")


class Searches:
    """Answers searches of Elasticsearch's API."""

    def __init__(self, services: Services, engine: Engine, callers: Callers) -> None:
        self._pool = services.pool
        self._engine = engine
        self._callers = callers
        self._settings = services.settings.serve

    async def answer(self, exchange: Exchange) -> None:
        """Answer one request.

        Raises:
            EsHybridError: the request cannot be answered.
        """
        limit = self._settings.max_body_bytes
        if int(exchange.header(b"content-length") or 0) > limit:
            exchange.door = "pass"
            await relay(exchange, self._pool)
            return
        body = await exchange.body(limit)
        text = text_of(exchange, body, limit=limit)
        if any(sign in text for sign in _SIGNS) and await self._answered(exchange, text):
            return
        exchange.door = "pass"
        framed = exchange.header(b"content-length") or exchange.header(b"transfer-encoding")
        # A search changes nothing and can be sent twice.
        await relay_whole(exchange, self._pool, body if framed else None, repeatable=True)

    async def _answered(self, exchange: Exchange, text: bytes) -> bool:
        """Answer a search that needs es-hybrid; False for any other."""
        # Split before unquoting: `<logs-{now%2Fd}>` is one name.
        *names, endpoint = exchange.path.strip(b"/").split(b"/")
        index = unquote("".join(name.decode("ascii") for name in names))
        if endpoint == b"_search":
            try:
                body = orjson.loads(text)
            except orjson.JSONDecodeError:
                return False
            if not understood(body):
                return False
            with exchange.ends_with_caller():
                await self._search(exchange, MsearchItem(b"", index, {}, body))
            return True
        searches = parse_msearch(text, index)
        if not any(understood(search.body) for search in searches):
            return False
        with exchange.ends_with_caller():
            await self._msearch(exchange, searches)
        return True

    async def _search(self, exchange: Exchange, search: MsearchItem) -> None:
        parameters = parse_parameters(exchange)
        content, degraded = await self._content(exchange, search, parameters)
        await self._show(exchange, content, parameters, degraded)

    async def _msearch(self, exchange: Exchange, searches: Sequence[MsearchItem]) -> None:
        """Answer es-hybrid's searches one by one, all others in one request; keeps their order."""
        parameters = parse_parameters(exchange)
        if parameters.body:
            raise RequestRefused(
                "request [_msearch] contains unrecognized parameter: "
                f"[{', '.join(parameters.body)}]"
            )
        started = time.perf_counter()
        # One request must not take every place. Searches that wait here take none in the queue.
        turns = asyncio.Semaphore(max(1, self._settings.concurrency // 2))
        ours = [understood(search.body) for search in searches]
        theirs = [search for search, mine in zip(searches, ours, strict=True) if not mine]
        others, *answers = await asyncio.gather(
            self._theirs(exchange, theirs, parameters),
            *(
                self._one_of_many(exchange, search, parameters, turns)
                for search, mine in zip(searches, ours, strict=True)
                if mine
            ),
        )
        left, right = iter(answers), iter(others)
        responses = [next(left) if mine else (next(right), ()) for mine in ours]
        content = {
            "took": int((time.perf_counter() - started) * 1000),
            "responses": [response for response, _ in responses],
        }
        degraded = tuple(dict.fromkeys(line for _, lines in responses for line in lines))
        await self._show(exchange, content, parameters, degraded)

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
            path=exchange.path,
            typed_keys=parameters.typed_keys,
            params=parameters.forwarded,
        )
        if reply.status >= 400:
            kind = "upstream_exception"
            raise RequestRefused("refused", status=reply.status, type=kind, answer=reply.body)
        responses: list[Any] = reply.body["responses"]
        return responses

    async def _one_of_many(
        self,
        exchange: Exchange,
        search: MsearchItem,
        parameters: Parameters,
        turns: asyncio.Semaphore,
    ) -> tuple[Mapping[str, Any], tuple[str, ...]]:
        """One answer of a multi-search; an error is an answer, too."""
        try:
            async with turns:
                content, degraded = await self._content(exchange, search, parameters)
        except EsHybridError as error:
            return refusal_of(error).body(), ()
        return {**content, "status": 200}, degraded

    async def _content(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> tuple[dict[str, Any], tuple[str, ...]]:
        """The answer's content, and the parts that failed."""
        check_depth(search.body, self._settings.max_depth)
        body = {**search.body, **parameters.body}
        if parameters.total_as_int:  # a number is always exact
            body = {"track_total_hits": True, **body}
        typed_keys = TypedKeys() if parameters.typed_keys else None
        retrieved, timings = await self._engine.search(
            body,
            index=search.index,
            forwarded={**parameters.forwarded, **search.forwarded},
            caller=self._callers.caller(exchange.headers),
            typed_keys=typed_keys,
        )
        content = dict(retrieved.answer)
        if typed_keys is not None:
            content = typed_keys.restore(content)
        return content | _extension(body, retrieved, timings), retrieved.degraded

    async def _show(
        self,
        exchange: Exchange,
        content: Mapping[str, Any],
        parameters: Parameters,
        degraded: tuple[str, ...],
    ) -> None:
        exchange.degraded = degraded
        headers = json_headers(exchange.header(b"accept")) + degraded_header(degraded)
        await exchange.answer(200, shown(content, parameters), headers)


def _extension(body: Mapping[str, Any], retrieved: Retrieved, timings: Timings) -> dict[str, Any]:
    """`ext.es_hybrid` of the answer, if the request has it or if there is something to report."""
    if not (retrieved.degraded or retrieved.notes or "es_hybrid" in (body.get("ext") or ())):
        return {}
    extension = {
        "degraded": retrieved.degraded,
        "notes": retrieved.notes,
        "reranked": retrieved.reranked,
        "timings": {stage: round(spent, 2) for stage, spent in timings.items()},
    }
    return {"ext": {"es_hybrid": extension}}
