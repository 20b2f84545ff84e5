"""`POST /search`: a shop's search, without Elasticsearch's language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from es_hybrid.http.answers import degraded_header
from es_hybrid.http.refusal import Refusal
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.experiment import QUERY_ID, Experiment, ShopResponse
from es_hybrid.serve.own import OwnCaller, refusals, route_of
from es_hybrid.serve.services import Services
from es_hybrid.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSearch(SearchRequest):
    """A search request over HTTP."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
        "json_schema_extra": {
            "examples": [
                {
                    "text": "breathable shirt for summer",
                    "filters": {"price": {"lte": 50}},
                    "facets": ["brand", "price:25,50"],
                }
            ]
        },
    }

    index: Annotated[str | None, Field(max_length=255)] = None
    """One of `serve.indices`. Default: `index.name`."""
    timeout_ms: Annotated[int | None, Field(ge=1, le=60_000)] = None
    """Milliseconds for the whole search. Default: `search.timeout_ms`."""
    query_id: Annotated[str | None, Field(pattern=QUERY_ID)] = None
    """For a further page: `query_id` of the answer with the first one."""


def router(
    services: Services, engine: Engine, callers: Callers, experiment: Experiment | None
) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["search"], route_class=route_of(services))
    settings = services.settings

    @routes.post(
        "/search",
        response_model=ShopResponse,
        responses=refusals(400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504),
        summary="Search the shop",
    )
    async def search(
        body: ShopSearch, sender: Annotated[OwnCaller, Depends(OwnCaller)]
    ) -> Response:
        caller = callers.caller(sender.enter(services))
        index = body.index or settings.index.name
        check_index(index, settings)
        if experiment:
            content, degraded = await experiment.shop_search(
                body, body.query_id, index=index, caller=caller
            )
        else:
            content, degraded = await engine.shop_search(body, index=index, caller=caller)
        return json_response(content, degraded)

    return routes


def json_response(content: bytes, degraded: tuple[str, ...]) -> Response:
    """An answer with the header that names what failed."""
    response = Response(content, media_type="application/json")
    for name, value in degraded_header(degraded):
        response.headers[name.decode("ascii")] = value.decode("ascii")
    return response


def check_index(index: str, settings: Settings) -> None:
    """Refuse to read an index that is not configured, whoever asks.

    Names are compared as they are: whatever Elasticsearch makes of a pattern, a list, an exclusion,
    date math or a remote cluster, it is none of the configured names.

    Raises:
        Refusal: 403.
    """
    if index not in (settings.serve.indices or (settings.index.name,)):
        raise Refusal(
            403,
            "security_exception",
            "[index]: this server does not read this index; name one of serve.indices",
        )
