"""The server as an ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.routing import Route

from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.http.cors import Cors
from es_hybrid.http.refusal import answer_refusals
from es_hybrid.page.app import Page
from es_hybrid.page.library import Library
from es_hybrid.reranking import Reranker, open_reranker
from es_hybrid.serve import events, health, reranking, shop, similar, suggesting
from es_hybrid.serve.callers import Callers
from es_hybrid.serve.engine import Engine
from es_hybrid.serve.experiment import Experiment, open_experiment
from es_hybrid.serve.gateway import Gateway
from es_hybrid.serve.query_rules.endpoints import QueryRules
from es_hybrid.serve.search_api.searches import Searches
from es_hybrid.serve.services import Services
from es_hybrid.settings import Settings

_DESCRIPTION = """\
es-hybrid's own endpoints. This server also speaks Elasticsearch's API: point an Elasticsearch
client at it."""


def create_app(
    settings: Settings,
    *,
    embedder: Embedder | None = None,
    reranker: Reranker | None = None,
) -> Gateway:
    """The server as an ASGI application.

    Args:
        embedder: Closed with the application; by default opened from the settings.
        reranker: Closed with the application; by default opened from the settings.

    Raises:
        EsHybridError: the embedder or the reranker cannot be opened.
    """
    services = Services.of(
        settings,
        embedder=embedder or open_embedder(settings.embedding),
        reranker=reranker or open_reranker(settings.rerank, wait_for_canaries=False),
    )
    engine, callers, page = Engine(services), Callers(), _page(services)
    experiment = open_experiment(services, engine)
    return Gateway(
        own=_own_endpoints(services, engine, callers, page, experiment),
        search=Searches(services, engine, callers).answer,
        rules=QueryRules(services, engine, callers).answer,
        pool=services.pool,
        hosts=services.hosts,
        cors=Cors(settings.serve.cors_origins),
        keys=services.keys,
        metrics=services.metrics,
        bodies=services.bodies,
        workers=services.workers,
        limits={
            b"/search": settings.serve.max_search_bytes,
            b"/similar": settings.serve.max_search_bytes,
            b"/suggest": 0,
            b"/events": events.MAX_BYTES,
            b"/v1/rerank": settings.serve.max_rerank_bytes,
            b"/v2/rerank": settings.serve.max_rerank_bytes,
        },
        end=page.end,
    )


def _page(services: Services) -> Page:
    """The page at `/ui`, with the server's own embedder, reranker and credentials."""
    settings = services.settings
    return Page(
        Library(settings, embedder=services.embedder, reranker=services.reranker),
        prefix="/ui",
        keys=services.keys,
        hosts=services.hosts,
        language=settings.page.language,
    )


def _own_endpoints(
    services: Services,
    engine: Engine,
    callers: Callers,
    page: Page,
    experiment: Experiment | None,
) -> FastAPI:
    """The application with es-hybrid's own endpoints. Closes the services when it shuts down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await page.close()
        if experiment:
            experiment.close()
        services.close()

    app = FastAPI(
        title="es-hybrid",
        version=version("es-hybrid"),
        description=_DESCRIPTION,
        docs_url="/v1/docs",
        redoc_url=None,
        openapi_url="/v1/openapi.json",
        lifespan=lifespan,
        redirect_slashes=False,  # its redirects would repeat the Host of the request
    )
    app.include_router(shop.router(services, engine, callers, experiment))
    app.include_router(similar.router(services, engine, callers))
    app.include_router(suggesting.router(services, engine, callers))
    app.include_router(events.router(services, experiment))
    app.include_router(reranking.router(services))
    app.include_router(health.router(services))
    app.routes.append(Route("/ui", page))
    app.mount("/ui", page)
    answer_refusals(app)
    return app
