"""`POST /similar`: products like some others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends, Response
from pydantic import Field

from es_hybrid.retrieval.similar import SimilarRequest, SimilarResponse
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.own import OwnCaller, refusals, route_of
from es_hybrid.serve.services import Services
from es_hybrid.serve.shop import check_index, json_response


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSimilar(SimilarRequest):
    """A shelf over HTTP."""

    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "extra": "forbid",
        "use_attribute_docstrings": True,
        "json_schema_extra": {
            "examples": [{"ids": ["KIT-002-en"], "filters": {"lang": "en"}, "size": 6}]
        },
    }

    index: Annotated[str | None, Field(max_length=255)] = None
    """One of `serve.indices`. Default: `index.name`."""
    timeout_ms: Annotated[int | None, Field(ge=1, le=60_000)] = None
    """Milliseconds for the whole search. Default: `search.timeout_ms`."""


def router(services: Services, engine: Engine, callers: Callers) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["search"], route_class=route_of(services))
    settings = services.settings

    @routes.post(
        "/similar",
        response_model=SimilarResponse,
        responses=refusals(400, 401, 403, 404, 408, 413, 429, 500, 502, 503, 504),
        summary="Products like some others, for the shelf on a product's page",
    )
    async def similar(
        body: ShopSimilar, sender: Annotated[OwnCaller, Depends(OwnCaller)]
    ) -> Response:
        caller = callers.caller(sender.enter(services))
        index = body.index or settings.index.name
        check_index(index, settings)
        return json_response(*await engine.similar(body, index=index, caller=caller))

    return routes
