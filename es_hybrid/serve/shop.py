"""`POST /search`: a shop's search, without Elasticsearch's language."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from es_hybrid.http.answers import degraded_header
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.own import Own, refusals
from es_hybrid.serve.services import Services

Name = Annotated[str, Field(min_length=1, max_length=512)]
_FORBIDDEN_IN_NAMES = r'^[^\s/\\?"<>|#]+$'


class ShopSearch(BaseModel):
    """What a shopper asks for."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "text": "breathable shirt for summer",
                    "filters": {"price": {"lte": 50}},
                    "facets": ["brand", "price:25,50"],
                }
            ]
        },
    )

    text: Annotated[str, Field(min_length=1, max_length=10_000, pattern=r"\S")]
    """In any language; only its first 1,000 characters count."""
    index: Annotated[str | None, Field(max_length=255, pattern=_FORBIDDEN_IN_NAMES)] = None
    """Index or alias; by default the configured one."""
    mode: Literal["hybrid", "bm25", "knn"] = "hybrid"
    """Which legs to ask."""
    filters: dict[Name, Any] = {}
    """Field -> a value, a list of values, or {"operator": …}: gt, gte, lt, lte, exists, not,
    nested."""
    selected: dict[Name, Any] = {}
    """Filters ticked in facets: they do not narrow the facet of their own field."""
    facets: Annotated[list[Name], Field(max_length=50)] = []
    """Fields whose values are counted; `price:50,100` counts ranges: `*-50`, `50-100`, `100-*`."""
    sort: Annotated[list[Name], Field(max_length=10)] = []
    """`price` or `date:desc`, the first counts most."""
    page: Annotated[int, Field(ge=1, le=10_000)] = 1
    """From 1."""
    size: Annotated[int, Field(ge=1, le=1000)] = 10
    """Hits on a page."""
    collapse: Name | None = None
    """Of equal values of this field only the best hit is shown."""
    highlight: Annotated[list[Name], Field(max_length=50)] = []
    """Fields whose matching words are marked."""
    explain: bool = False
    """Whether each hit says how its score came about."""
    cutoff: Annotated[float | None, Field(ge=0, le=1)] = None
    """Hits with a smaller share of the best score are left out."""
    pinned: Annotated[list[Name], Field(max_length=100)] = []
    """Ids that come first, if they pass the filters."""
    rerank: bool = True
    """Whether a configured reranker is asked."""
    timeout_ms: Annotated[int | None, Field(ge=1, le=600_000)] = None
    """Milliseconds for the whole; by default search.timeout_ms."""


class StagePlace(BaseModel):
    """Where one stage put a hit."""

    rank: int
    score: float


class ShopHit(BaseModel):
    """One product found."""

    id: str
    rank: int
    score: float
    source: Mapping[str, Any]
    stages: dict[str, StagePlace]
    highlight: Mapping[str, list[str]]
    explanation: Mapping[str, Any] | None
    group: Any


class ShopAnswer(BaseModel):
    """One page, and the facts of what it is cut from."""

    hits: list[ShopHit]
    total: int
    groups: int | None
    pages: int
    facets: Mapping[str, Mapping[str, int]]
    timings: Mapping[str, float]
    degraded: list[str]
    notes: list[str]
    reranked: int


def router(services: Services, engine: Engine, callers: Callers) -> APIRouter:
    """The endpoint."""
    routes = APIRouter(tags=["search"])
    settings = services.settings

    @routes.post(
        "/search",
        responses=refusals(400, 401, 403, 404, 413, 429, 502, 503, 504),
        summary="Search the shop",
    )
    async def search(
        body: ShopSearch, response: Response, own: Annotated[Own, Depends(Own)]
    ) -> ShopAnswer:
        caller = callers.caller(own.enter(services))
        asked = body.model_dump(exclude={"index", "timeout_ms"})
        found = await engine.shop_search(
            SearchRequest(**asked),
            index=body.index or settings.index.name,
            caller=caller,
            timeout_ms=body.timeout_ms,
        )
        for name, value in degraded_header(found.degraded):
            response.headers[name.decode("ascii")] = value.decode("ascii")
        return _answer(found)

    return routes


def _answer(found: SearchResponse) -> ShopAnswer:
    return ShopAnswer(
        hits=[_hit(hit) for hit in found.hits],
        total=found.total,
        groups=found.groups,
        pages=found.pages,
        facets=found.facets,
        timings={stage: round(spent, 2) for stage, spent in found.timings.items()},
        degraded=list(found.degraded),
        notes=list(found.notes),
        reranked=found.reranked,
    )


def _hit(hit: Hit) -> ShopHit:
    return ShopHit(
        id=hit.id,
        rank=hit.rank,
        score=hit.score,
        source=hit.source,
        stages={
            stage: StagePlace(rank=place.rank, score=place.score)
            for stage, place in hit.stages.items()
        },
        highlight={name: list(parts) for name, parts in hit.highlight.items()},
        explanation=hit.explanation,
        group=hit.group,
    )
