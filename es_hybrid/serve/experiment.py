"""The experiment of a server: which ranking answers a search, and the log of it."""

from __future__ import annotations

import asyncio
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from es_hybrid.drive.parts import Parts
from es_hybrid.errors import EsHybridError, SettingsError
from es_hybrid.experiments.event_log import EventLog, query_record
from es_hybrid.experiments.team_draft import Pick, team_draft, teams_of
from es_hybrid.http.answers import encoded
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse, present
from es_hybrid.serve.callers import Caller
from es_hybrid.serve.engine import Engine, Found
from es_hybrid.serve.services import Services
from es_hybrid.settings import load_variant

QUERY_ID = r"^[A-Za-z0-9_-]{1,100}$"
# Hits down to which searches are interleaved. Both rankings are asked for all up to the page's end.
_DEPTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopResponse(SearchResponse):
    """A shop's answer over HTTP.

    Attributes:
        query_id: For events about these hits, and for further pages; None if the search is not
            logged.
    """

    query_id: str | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A search that is logged."""

    request: SearchRequest
    query_id: str
    index: str
    caller: Caller


class Experiment:
    """The log of a server, and the other ranking, B, if there is one.

    Args:
        log: Closed with the experiment.
        a: Answers by the server's settings.
        b: Answers by the others.
    """

    def __init__(
        self, services: Services, log: EventLog, a: Engine, b: Engine | None, b_parts: Parts | None
    ) -> None:
        self.log = log
        self._workers = services.workers
        self._settings = services.settings.experiment
        self._a, self._b, self._b_parts = a, b, b_parts
        key = self._settings.hash_key
        self._hash_key = key.get_secret_value() if key else ""

    async def shop_search(
        self, request: SearchRequest, query_id: str | None, *, index: str, caller: Caller
    ) -> tuple[bytes, tuple[str, ...]]:
        """The answer as JSON, and the parts that failed. Raises as `Engine.search` does.

        A search whose order is not that of relevance is neither logged nor part of the experiment,
        nor is a further page without the id of the first one.
        """
        moved = request.of_candidates or request.group_field or request.pinned or request.limit_per
        if moved or (request.page > 1 and not query_id):
            return await self._a.shop_search(request, index=index, caller=caller)
        asked = _Asked(request, query_id or uuid.uuid4().hex, index, caller)
        if self._b is None:
            return await self._answer(asked, self._a, {})
        if self._settings.mode == "interleave":
            return await self._interleave(asked, self._b)
        team, engine = ("B", self._b) if self._is_drawn(asked.query_id) else ("A", self._a)
        share = self._settings.share
        return await self._answer(asked, engine, self._attributes(team=team, share=share))

    def close(self) -> None:
        """Write the rest of the log."""
        self.log.close()
        if self._b_parts:
            self._b_parts.close()

    def _is_drawn(self, query_id: str) -> bool:
        """Whether a search belongs to the share; the same for all its pages."""
        lot = hashlib.sha256(f"{self._settings.name} {query_id}".encode()).digest()
        return int.from_bytes(lot[:8]) < self._settings.share * 2**64

    def _attributes(self, **facts: Any) -> dict[str, Any]:
        settings = self._settings
        return {"experiment": {"name": settings.name, "mode": settings.mode, **facts}}

    async def _answer(
        self, asked: _Asked, engine: Engine, attributes: dict[str, Any]
    ) -> tuple[bytes, tuple[str, ...]]:
        """The page of one ranking. Logs the first one: those behind it do not know its hits."""
        found = await engine.find(asked.request, index=asked.index, caller=asked.caller)

        def shown() -> tuple[bytes, tuple[str, ...]]:
            response = present(asked.request, found.retrieved, found.timings)
            if asked.request.page == 1:
                self._record(asked, [hit.id for hit in response.hits], attributes)
            return _with_id(response, asked.query_id), response.degraded

        return await self._workers.run(shown, large=found.large)

    async def _interleave(self, asked: _Asked, b: Engine) -> tuple[bytes, tuple[str, ...]]:
        request = asked.request
        end = request.page * request.size
        if end > _DEPTH or not self._is_drawn(asked.query_id):
            return await self._answer(asked, self._a, {})
        whole = replace(asked, request=replace(request, page=1, size=end))
        ours, theirs = await _both(whole, self._a, b)

        def shown() -> tuple[bytes, tuple[str, ...]]:
            response = present(request, ours.retrieved, ours.timings)
            other = theirs and present(request, theirs.retrieved, theirs.timings)
            hits, picks = self._drafted(asked, response, other)
            attributes = self._attributes(**teams_of(picks)) if picks else {}
            self._record(asked, [hit.id for hit in hits], attributes)
            ranked = [replace(hit, rank=rank) for rank, hit in enumerate(hits, 1)]
            page = replace(response, hits=ranked[request.first :])
            return _with_id(page, asked.query_id), page.degraded

        return await self._workers.run(shown, large=ours.large)

    def _drafted(
        self, asked: _Asked, a: SearchResponse, b: SearchResponse | None
    ) -> tuple[Sequence[Hit], Sequence[Pick]]:
        """The hits up to the page's end, and which team picked each.

        Those of A alone, without teams, if a ranking is incomplete or finds nothing: clicks would
        not say which one is better.
        """
        if b is None or a.degraded or b.degraded or not a.hits or not b.hits:
            return a.hits, ()
        ours, theirs = ({hit.id: hit for hit in response.hits} for response in (a, b))
        picks = team_draft(
            list(ours),
            list(theirs),
            size=asked.request.page * asked.request.size,
            seed=f"{self._settings.name} {asked.query_id}",
        )
        # A hit of both shows the score and the highlights of the ranking that picked it.
        by_a = theirs | ours
        hits = [(theirs if pick.team == "B" else by_a)[pick.id] for pick in picks]
        return hits, picks

    def _record(self, asked: _Asked, hits: list[str], attributes: dict[str, Any]) -> None:
        words = asked.request.words
        self.log.add(query_record(asked.query_id, words, hits, attributes, hash_key=self._hash_key))


def open_experiment(services: Services, engine: Engine) -> Experiment | None:
    """The experiment of the settings; None if nothing is logged.

    Args:
        engine: Answers by the server's settings.

    Raises:
        SettingsError: the folder or the settings of B cannot be used.
    """
    settings = services.settings.experiment
    if settings.log is None:
        return None
    engine_b, parts = None, None
    if settings.settings is not None:
        variant = load_variant(services.settings, settings.settings)
        if variant.rerank.enabled and not services.settings.rerank.enabled:
            raise SettingsError(
                "B reranks, but the server has no reranker",
                place=str(settings.settings),
                remedy="set rerank.enabled in the server's settings, and exchange A and B",
            )
        reranker = services.reranker if variant.rerank.enabled else None
        parts = Parts(services.embed, reranker, variant)
        # Shoppers see what B finds, too, but a search that both answer is one search.
        recorder = None if settings.mode == "interleave" else services.recorder
        services_b = replace(
            services, settings=variant, reranker=reranker, parts=parts, recorder=recorder
        )
        engine_b = Engine(services_b)
    log = EventLog(settings.log, services.metrics.recorded)
    return Experiment(services, log, engine, engine_b, parts)


async def _both(asked: _Asked, a: Engine, b: Engine) -> tuple[Found, Found | None]:
    """What both find, at the same time; an error of B's is not the shopper's."""
    theirs = asyncio.create_task(b.find(asked.request, index=asked.index, caller=asked.caller))
    try:
        ours = await a.find(asked.request, index=asked.index, caller=asked.caller)
    except BaseException:
        theirs.cancel()
        raise
    try:
        return ours, await theirs
    except EsHybridError:
        return ours, None


def _with_id(response: SearchResponse, query_id: str) -> bytes:
    values = {field.name: getattr(response, field.name) for field in fields(response)}
    return encoded(ShopResponse(**values, query_id=query_id))
