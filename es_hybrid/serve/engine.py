"""The library's search engine, driven for callers of the server."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Any

from es_hybrid.drive import AsyncDriver
from es_hybrid.errors import IndexStateError
from es_hybrid.index.passport import Passport, check_identity
from es_hybrid.retrieval.answer import KnownFields, answer
from es_hybrid.retrieval.execute import execute
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.execution.requests import checked, mapping
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.present import present
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.retrieval.retrieved import Retrieved
from es_hybrid.retrieval.shop import shop_plan
from es_hybrid.retrieval.vector_fields import vector_fields
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
        pending: list[Passport] = []
        search = answer(
            body,
            index=index,
            settings=self._settings,
            abilities=self._abilities,
            known=caller.known,
            params=along,
            reranks=self._reranks,
            # Checked at the end: only once it has embedded is the embedder sure to know its dims,
            # and asking it before would hold up everyone.
            fits=pending.append,
        )
        answered = await self._run(search, index, caller, None, typed_keys)
        for passport in pending:
            self._check(passport, index, answered)
        return answered

    async def shop_search(
        self, request: SearchRequest, *, index: str, caller: Caller, timeout_ms: int | None
    ) -> SearchResponse:
        """Answer a shopper's words. Raises as `search` does.

        Args:
            timeout_ms: For the whole; None: `search.timeout_ms`; 0: as long as it takes.
        """
        search = self._shop_search(request, index, caller.known)
        answered = await self._run(search, index, caller, timeout_ms, None)
        (passport,) = caller.known[index].passports
        self._check(passport, index, answered)
        return present(request, answered.retrieved, answered.timings)

    def _shop_search(self, request: SearchRequest, index: str, known: KnownFields) -> Search:
        if index not in known:
            known[index] = vector_fields(checked((yield mapping(index))))
        passports = known[index].passports
        if len(passports) != 1:
            raise IndexStateError(
                f"it has {len(passports) or 'no'} es-hybrid passports, and one is needed to know "
                "what its vectors were made with",
                place=f"index {index}",
                remedy="make one with `es-hybrid index create` and load into it",
            )
        plan = shop_plan(
            request,
            index=index,
            passport=passports[0],
            settings=self._settings,
            reranks=self._reranks,
        )
        return (
            yield from execute(
                plan, abilities=self._abilities, execution="client", reranks=self._reranks
            )
        )

    async def _run(
        self,
        search: Search,
        index: str,
        caller: Caller,
        timeout_ms: int | None,
        typed_keys: TypedKeys | None,
    ) -> Answered:
        services = self._services
        send = sender(services.pool, caller.headers, typed_keys)
        milliseconds = self._settings.search.timeout_ms if timeout_ms is None else timeout_ms
        async with services.admission.place():
            with search_span(caller.trace, index):
                retrieved, timings = await AsyncDriver(send, services.parts).run(
                    with_stage_spans(search), timeout=milliseconds / 1000 if milliseconds else None
                )
        services.metrics.searched(timings, retrieved.degraded)
        return Answered(retrieved, timings)

    def _check(self, passport: Passport, index: str, answered: Answered) -> None:
        """Refuse a search whose vectors cannot be compared; where none was used, nothing is."""
        degraded = answered.retrieved.degraded
        if "embed" in answered.timings and not any(d.startswith("embedding:") for d in degraded):
            check_identity(passport, self._services.embedder, index=index)
