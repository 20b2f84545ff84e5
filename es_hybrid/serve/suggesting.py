"""`GET /suggest`: suggestions while a shopper types."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel

from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.own import OwnCaller, refusals
from es_hybrid.serve.services import Services
from es_hybrid.serve.shop import check_index
from es_hybrid.suggesting.engine import DEFAULT_SIZE, MAX_CHARS, MAX_SIZE
from es_hybrid.suggesting.suggestion import Suggestion


class Suggestions(BaseModel):
    """Brands, then categories, then products."""

    suggestions: list[Suggestion]


def router(services: Services, engine: Engine, callers: Callers) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["search"])
    settings = services.settings

    @routes.get(
        "/suggest",
        response_model=Suggestions,
        responses=refusals(400, 401, 403, 404, 413, 429, 500, 502, 503, 504),
        summary="Suggest brands, categories and products while a shopper types",
    )
    async def suggest(
        sender: Annotated[OwnCaller, Depends(OwnCaller)],
        q: Annotated[str, Query(max_length=MAX_CHARS, description="What was typed so far.")],
        size: Annotated[
            int, Query(ge=1, le=MAX_SIZE, description="Number of suggestions.")
        ] = DEFAULT_SIZE,
        index: Annotated[
            str | None,
            Query(max_length=255, description="One of `serve.indices`. Default: `index.name`."),
        ] = None,
    ) -> Response:
        caller = callers.caller(sender.enter(services))
        name = index or settings.index.name
        check_index(name, settings)
        content = await engine.suggest(q, size, index=name, caller=caller)
        return Response(content, media_type="application/json")

    return routes
