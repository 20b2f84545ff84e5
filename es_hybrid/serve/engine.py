"""The library's search engine, driven for callers of the server."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from es_hybrid.drive import AsyncDriver
from es_hybrid.errors import EsHybridError
from es_hybrid.index.fit import Fit
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.answer import answer
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import EmbedQuery, Need
from es_hybrid.retrieval.present import present
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.retrieval.retrieved import Retrieved
from es_hybrid.retrieval.shop_search import shop_search
from es_hybrid.serve.callers import Caller
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.tracing import search_span, with_stage_spans
from es_hybrid.serve.upstream.call import sender

Search = Generator[Need, Any, Retrieved]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a search brought, and the milliseconds of each stage and of the whole."""

    retrieved: Retrieved
    timings: Mapping[str, float]


class Engine:
    """Runs searches. One for all callers; nothing of one caller's is seen by another."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._settings = services.settings
        self._reranks = services.reranker is not None
        self._abilities = Abilities()
        self._fit = Fit(services.embedder)

    async def search(
        self,
        body: Mapping[str, Any],
        *,
        index: str,
        along: Mapping[str, str],
        caller: Caller,
        typed_keys: TypedKeys | None = None,
    ) -> Answered:
        """Answer a body as `_search` does.

        Args:
            index: As in the path; empty for every index.
            along: Parameters that go with every request to Elasticsearch.
            caller: Whose rights are used.
            typed_keys: Learns the aggregations' types, where they are wanted.

        Raises:
            EsHybridError: it cannot be answered.
        """
        passports: list[Passport] = []
        search = answer(
            body,
            index=index,
            settings=self._settings,
            abilities=self._abilities,
            known=caller.known,
            params=along,
            reranks=self._reranks,
            fits=passports.append,
        )
        return await self._run(search, passports, index, caller, typed_keys=typed_keys)

    async def shop_search(
        self, request: SearchRequest, *, index: str, caller: Caller, timeout_ms: int | None
    ) -> SearchResponse:
        """Answer a shopper's words. Raises as `search` does.

        Args:
            timeout_ms: For the whole; None: `search.timeout_ms`; 0: as long as it takes.
        """
        passports: list[Passport] = []
        search = shop_search(
            request,
            index=index,
            settings=self._settings,
            abilities=self._abilities,
            known=caller.known,
            reranks=self._reranks,
            fits=passports.append,
        )
        answered = await self._run(search, passports, index, caller, timeout_ms=timeout_ms)
        return present(request, answered.retrieved, answered.timings)

    async def _run(
        self,
        search: Search,
        passports: Sequence[Passport],
        index: str,
        caller: Caller,
        *,
        timeout_ms: int | None = None,
        typed_keys: TypedKeys | None = None,
    ) -> Answered:
        services = self._services
        send = sender(services.pool, caller.headers, typed_keys)
        milliseconds = self._settings.search.timeout_ms if timeout_ms is None else timeout_ms
        held = _held_to(search, passports, self._fit, index)
        async with services.admission.place():
            with search_span(caller.trace, index):
                retrieved, timings = await AsyncDriver(send, services.parts).run(
                    with_stage_spans(held), timeout=milliseconds / 1000 if milliseconds else None
                )
        services.metrics.searched(timings, retrieved.degraded)
        return Answered(retrieved, timings)


def _held_to(search: Search, passports: Sequence[Passport], fit: Fit, index: str) -> Search:
    """The same search, refused where the embedder's vectors cannot be compared with the index's.

    Args:
        passports: Filled by the search before it asks for a vector.
        fit: Asked only once the embedder has embedded: before, it may have to ask its server who
            it is, which would hold up everyone.
        index: For the message.
    """
    try:
        need = next(search)
        while True:
            try:
                result = yield need
            except EsHybridError as error:
                need = search.throw(error)
            else:
                if isinstance(need, EmbedQuery):
                    for passport in passports:
                        fit.watch(passport, index=index)
                need = search.send(result)
    except StopIteration as end:
        found: Retrieved = end.value
        return found
