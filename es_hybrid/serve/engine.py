"""Runs the library's searches for callers of the server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from es_hybrid.drive.driver import AsyncDriver, Timings
from es_hybrid.retrieval import engine
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Search
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved, SearchResponse, present
from es_hybrid.serve.callers import Caller
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.tracing import search_span, stage_span
from es_hybrid.serve.upstream.call import sender


class Engine:
    """Runs searches. One for all callers; no caller sees anything of another's."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._abilities = Abilities()

    async def search(
        self,
        body: Mapping[str, Any],
        *,
        index: str,
        forwarded: Mapping[str, str],
        caller: Caller,
        typed_keys: TypedKeys | None = None,
    ) -> tuple[Retrieved, Timings]:
        """Answer a body as `_search` does.

        Args:
            index: As in the path; empty for every index.
            forwarded: Query-string parameters of every request to Elasticsearch.
            caller: Whose rights are used.
            typed_keys: Collects the types of aggregations, if requested.

        Raises:
            EsHybridError: it cannot be answered.
        """
        search = engine.answer(body, self._context(index, caller), forwarded)
        return await self._run(search, index, caller, typed_keys=typed_keys)

    async def shop_search(
        self, request: SearchRequest, *, index: str, caller: Caller
    ) -> SearchResponse:
        """Answer a shop's request. Raises as `search` does."""
        search = engine.shop_search(request, self._context(index, caller))
        retrieved, timings = await self._run(search, index, caller, timeout_ms=request.timeout_ms)
        return present(request, retrieved, timings)

    def _context(self, index: str, caller: Caller) -> engine.Context:
        return engine.Context(
            index=index,
            settings=self._services.settings,
            abilities=self._abilities,
            known=caller.known,
            reranks=self._services.reranker is not None,
        )

    async def _run(
        self,
        search: Search,
        index: str,
        caller: Caller,
        *,
        timeout_ms: int | None = None,
        typed_keys: TypedKeys | None = None,
    ) -> tuple[Retrieved, Timings]:
        services = self._services
        if timeout_ms is None:
            timeout_ms = services.settings.search.timeout_ms
        send = sender(services.pool, caller.headers, typed_keys)
        driver = AsyncDriver(send, services.parts, around=stage_span)
        async with services.admission.place():
            with search_span(caller.trace, index):
                retrieved, timings = await driver.run(
                    search, timeout=timeout_ms / 1000 if timeout_ms else None
                )
        services.metrics.searched(timings, retrieved.degraded)
        return retrieved, timings
