"""Runs the library's searches for callers of the server."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple, TypeVar

from es_hybrid.drive.driver import AsyncDriver, Timings
from es_hybrid.events import Asked, watched
from es_hybrid.http.answers import encoded
from es_hybrid.retrieval import engine
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Need, Search
from es_hybrid.retrieval.query_rules import runs_query_rules
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved, present, timings_of
from es_hybrid.retrieval.similar import SimilarRequest, similar
from es_hybrid.serve.callers import Caller
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.tracing import search_span, stage_span
from es_hybrid.serve.upstream.call import Sender
from es_hybrid.suggesting.engine import suggest
from es_hybrid.understanding.synonym_file import open_synonyms

T = TypeVar("T")


class Found(NamedTuple):
    """The result of one search.

    Attributes:
        large: Whether a body of Elasticsearch's was so large that this is too.
    """

    retrieved: Retrieved
    timings: Timings
    large: bool


class Engine:
    """Runs searches. One for all callers; no caller sees anything of another's.

    Raises:
        SettingsError: the file of synonyms cannot be read.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._abilities = Abilities()
        self._synonyms = open_synonyms(services.settings.search.synonyms)

    async def search(
        self,
        body: Mapping[str, Any],
        *,
        index: str,
        forwarded: Mapping[str, str],
        caller: Caller,
        typed_keys: TypedKeys | None = None,
        large: bool = False,
    ) -> Found:
        """Answer a body as `_search` does.

        Args:
            index: As in the path; empty for every index.
            forwarded: Query-string parameters of every request to Elasticsearch.
            caller: Whose rights are used.
            typed_keys: Collects the types of aggregations, if requested.
            large: Whether the body is, so that parsing it belongs into a thread.

        Raises:
            EsHybridError: it cannot be answered.
        """
        search = engine.answer(body, self._context(index, caller), forwarded)
        return await self._run(search, body, index, caller, typed_keys=typed_keys, large=large)

    async def shop_search(
        self, request: SearchRequest, *, index: str, caller: Caller
    ) -> tuple[bytes, tuple[str, ...]]:
        """The answer to a shop's request as JSON, and the parts that failed.

        Raises as `search` does.
        """
        found = await self.find(request, index=index, caller=caller)

        def shown() -> tuple[bytes, tuple[str, ...]]:
            response = present(request, found.retrieved, found.timings)
            return encoded(response), response.degraded

        return await self._services.workers.run(shown, large=found.large)

    async def find(self, request: SearchRequest, *, index: str, caller: Caller) -> Found:
        """What is found for a shop's request.

        Raises as `search` does.
        """
        search = engine.shop_search(request, self._context(index, caller))
        return await self._run(search, request, index, caller, timeout_ms=request.timeout_ms)

    async def suggest(self, text: str, size: int, *, index: str, caller: Caller) -> bytes:
        """Suggestions as JSON.

        Raises as `search` does.
        """
        suggesting = suggest(text, size, self._context(index, caller))
        found, _, _ = await self._driven(suggesting, index, caller)
        return encoded({"suggestions": found})

    async def runs_query_rules(self, caller: Caller) -> bool:
        """Whether the cluster has query rules; it is asked every few minutes."""
        known = self._abilities.query_rules
        return await self.run(runs_query_rules(self._abilities), caller) if known is None else known

    async def run(self, steps: Generator[Need, Any, T], caller: Caller) -> T:
        """The result of steps that are no search.

        Raises as `search` does.
        """
        result, _, _ = await self._driven(steps, "", caller)
        return result

    async def similar(
        self, request: SimilarRequest, *, index: str, caller: Caller
    ) -> tuple[bytes, tuple[str, ...]]:
        """The products like those of a request as JSON, and what failed.

        Raises as `search` does.
        """
        finding = similar(request, self._context(index, caller))
        found, timings, _ = await self._driven(
            finding, index, caller, timeout_ms=request.timeout_ms
        )
        self._services.metrics.searched(timings, found.degraded)
        return encoded(replace(found, timings=timings_of(timings))), found.degraded

    def _context(self, index: str, caller: Caller) -> Context:
        return Context(
            index=index,
            settings=self._services.settings,
            abilities=self._abilities,
            synonyms=self._synonyms,
            reranks=self._services.reranker is not None,
            **caller.known._asdict(),
        )

    async def _run(
        self, search: Search, asked: Asked, index: str, caller: Caller, **options: Any
    ) -> Found:
        services = self._services
        with watched(services.recorder, asked, index=index) as record:
            retrieved, timings, large = await self._driven(search, index, caller, **options)
            await services.workers.run(partial(record, retrieved, timings), large=large)
        services.metrics.searched(timings, retrieved.degraded)
        return Found(retrieved, timings, large)

    async def _driven(
        self,
        search: Generator[Need, Any, T],
        index: str,
        caller: Caller,
        *,
        timeout_ms: int | None = None,
        typed_keys: TypedKeys | None = None,
        large: bool = False,
    ) -> tuple[T, Timings, bool]:
        """The result, the time of each stage, and whether an answer of Elasticsearch was large."""
        services = self._services
        if timeout_ms is None:
            timeout_ms = services.settings.search.timeout_ms
        send = Sender(services.pool, caller.headers, services.workers, typed_keys, caller.warnings)
        in_thread = partial(services.workers.run, large=True)
        driver = AsyncDriver(send, services.parts, around=stage_span, in_thread=in_thread)
        async with services.admission.place():
            with search_span(caller.trace, index):
                found, timings = await driver.run(
                    search, timeout=timeout_ms / 1000 if timeout_ms else None, large=large
                )
        return found, timings, send.large
