"""Search templates: rendered by the cluster, then answered here if the search needs it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.retriever_dsl.objects import truth
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.search_api.msearch import MsearchItem, reasons_for
from es_hybrid.serve.search_api.reading import SIGNS
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.call import Sender

# Inside a source that is a string, quotes are escaped.
_SIGNS = tuple(sign.strip(b'"') for sign in SIGNS)
_SOURCES = ("source", "inline", "template")
_KNOWN = frozenset((*_SOURCES, "id", "params", "explain", "profile"))
# Of one request: rendered at all, each by a request to the cluster, and at the same time.
_MOST, _AT_ONCE = 100, 4


class Templates:
    """Renders the search templates of requests."""

    def __init__(self, services: Services, callers: Callers) -> None:
        self._pool = services.pool
        self._workers = services.workers
        self._milliseconds = services.settings.search.timeout_ms
        self._callers = callers

    async def rendered(
        self, exchange: Exchange, templates: Sequence[MsearchItem]
    ) -> list[MsearchItem]:
        """The searches of a request's templates; those for Elasticsearch are unchanged.

        So are all if there are too many to be rendered.

        Args:
            templates: The templates in place of searches.
        """
        if sum(_may_be_ours(item.body) for item in templates) > _MOST:
            return list(templates)
        places = asyncio.Semaphore(_AT_ONCE)

        async def one(item: MsearchItem) -> MsearchItem:
            if not _may_be_ours(item.body):
                return item
            async with places:
                return await self._rendered(exchange, item)

        return list(await asyncio.gather(*map(one, templates)))

    async def _rendered(self, exchange: Exchange, item: MsearchItem) -> MsearchItem:
        """The search that a template stands for, if it is es-hybrid's."""
        send = Sender(self._pool, self._callers.caller(exchange.headers).headers, self._workers)
        asked = {name: value for name, value in item.body.items() if name in ("id", "params")}
        for name in _SOURCES:
            if name in item.body:
                asked["source"] = item.body[name]
        seconds = self._milliseconds / 1000 if self._milliseconds else None
        reply = await send(Call("POST", "/_render/template", {}, asked), seconds)
        search = reply.body.get("template_output") if isinstance(reply.body, Mapping) else None
        # What cannot be rendered is for Elasticsearch to explain.
        if reply.status >= 400 or reply.large or not isinstance(search, Mapping):
            return item
        ours, ruled = reasons_for(search)
        if not ours:
            return item
        # Elasticsearch sets both, whatever the template says.
        flags = {name: truth(item.body.get(name, False)) for name in ("explain", "profile")}
        return replace(item, body={**search, **flags}, ours=True, ruled=ruled)


def _may_be_ours(template: Any) -> bool:
    """Whether a template has to be rendered to know what it searches for."""
    if not isinstance(template, Mapping) or not template.keys() <= _KNOWN:
        return False
    if "id" in template:
        return True
    text = repr(template).encode("utf-8", "surrogatepass")
    return any(sign in text for sign in _SIGNS)
