"""Answers one search of Elasticsearch's API that needs es-hybrid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Any, NamedTuple

from es_hybrid.drive.driver import Timings
from es_hybrid.retrieval.response import Retrieved, understood_as
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.json_text import check_depth
from es_hybrid.serve.rewriting.rewriting import as_plain
from es_hybrid.serve.search_api.msearch import MsearchItem
from es_hybrid.serve.search_api.parameters import Parameters
from es_hybrid.serve.search_api.typed_keys import TypedKeys
from es_hybrid.serve.services import Services
from es_hybrid.serve.workers import LARGE_BODY


class SearchAnswer(NamedTuple):
    """The answer to one search.

    Attributes:
        degraded: Parts that failed.
        large: Whether it takes long to encode.
    """

    content: dict[str, Any]
    degraded: tuple[str, ...] = ()
    large: bool = False


class Answering:
    """Runs a search and shapes its answer."""

    def __init__(self, services: Services, engine: Engine, callers: Callers) -> None:
        self._engine = engine
        self._callers = callers
        self._workers = services.workers
        self._max_depth = services.settings.serve.max_depth

    async def answered(
        self, exchange: Exchange, search: MsearchItem, parameters: Parameters
    ) -> SearchAnswer:
        """The answer.

        Raises:
            EsHybridError: it cannot be answered.
        """
        large = search.size > LARGE_BODY
        check = partial(check_depth, search.body, self._max_depth)
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
            content = dict(as_plain(content, body))
            return SearchAnswer(content, retrieved.degraded, found.large)
        extension = _extension(body, retrieved, found.timings)
        return SearchAnswer(content | extension, retrieved.degraded, found.large)


def _extension(body: Mapping[str, Any], retrieved: Retrieved, timings: Timings) -> dict[str, Any]:
    """`ext.es_hybrid` of the answer, if the request has it or if there is something to report."""
    if not (retrieved.degraded or retrieved.notes or "es_hybrid" in (body.get("ext") or ())):
        return {}
    extension = {
        "degraded": retrieved.degraded,
        "notes": retrieved.notes,
        "reranked": retrieved.reranked,
        "filters": retrieved.filters,
        "rules": list(map(asdict, retrieved.rules)),
        "redirect": retrieved.redirect,
        "timings": {stage: round(spent, 2) for stage, spent in timings.items()},
    }
    if retrieved.meaning is not None:
        facts = understood_as(retrieved.meaning)
        for name in ("understood", "synonyms"):  # `filter_path` selects from objects and lists
            facts[name] = list(map(asdict, facts[name]))
        extension |= {**facts, "zero_results": retrieved.not_found}
    return {"ext": {"es_hybrid": extension}}
