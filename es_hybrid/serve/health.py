"""`/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Generic, Literal, TypeVar

import orjson
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from es_hybrid.drive.parts import HARMLESS
from es_hybrid.errors import EsHybridError, RerankSkipped
from es_hybrid.http.refusal import UpstreamError
from es_hybrid.retrieval.needs import EmbedQuery, ScoreDocuments
from es_hybrid.serve.services import Services
from es_hybrid.serve.upstream.headers import request_head

# Seconds for each part; the probes of a balancer wait no longer.
_PATIENCE = 2.0
# Seconds for which a readiness is repeated. It needs no key, and finding out uses the model.
_FRESH = 5.0
_OK = "ok"


T = TypeVar("T")


class Shared(Generic[T]):
    """A result for all who ask at the same time, and for some seconds after that.

    Args:
        find: Finds the result.
        seconds: From the start of `find` until it may be started again.
        clock: Returns seconds.
    """

    def __init__(
        self,
        find: Callable[[], Awaitable[T]],
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find = find
        self._seconds = seconds
        self._clock = clock
        self._finding: asyncio.Future[T] | None = None
        self._stale_at = 0.0

    async def get(self) -> T:
        """The result. Raises what `find` raises."""
        finding = self._finding
        if finding is None or (finding.done() and self._clock() >= self._stale_at):
            finding = self._finding = asyncio.ensure_future(self._find())
            self._stale_at = self._clock() + self._seconds
        return await asyncio.shield(finding)  # one who goes away ends it for no other


class Health(BaseModel):
    """The process answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether searches can be answered, and the state of each part.

    `degraded`: searches are answered, but without the parts that are not `ok`.
    """

    status: Literal["ready", "degraded", "unavailable"]
    elasticsearch: str
    embedding: str
    rerank: str


def router(services: Services) -> APIRouter:
    """The three endpoints."""
    routes = APIRouter(tags=["operation"])
    readiness = Shared(lambda: _readiness(services), _FRESH)

    @routes.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Health:
        return Health()

    @routes.get(
        "/readyz",
        summary="Whether searches can be answered",
        responses={503: {"model": Readiness, "description": "Elasticsearch is unavailable."}},
    )
    async def readyz(response: Response) -> Readiness:
        found = await readiness.get()
        if found.status == "unavailable":
            response.status_code = 503
        return found

    @routes.get("/metrics", summary="Metrics for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(services.metrics.exposition(), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _readiness(services: Services) -> Readiness:
    elasticsearch, embedding, rerank = await asyncio.gather(
        _elasticsearch(services),
        _part(services, EmbedQuery(HARMLESS)),
        _part(services, ScoreDocuments(HARMLESS, [HARMLESS])),
    )
    status: Literal["ready", "degraded", "unavailable"] = "ready"
    if elasticsearch != _OK:
        status = "unavailable"
    elif embedding != _OK or rerank not in (_OK, "off"):
        status = "degraded"
    return Readiness(status=status, elasticsearch=elasticsearch, embedding=embedding, rerank=rerank)


async def _elasticsearch(services: Services) -> str:
    """State of the cluster. `ok` also if the credentials may not read its health: it answers."""
    pool = services.pool
    request = request_head(
        b"GET",
        pool.origin.prefix + b"/_cluster/health?filter_path=status",
        pool.origin.authority,
        pool.origin.credentials,
        length=None,
    )
    try:
        async with asyncio.timeout(_PATIENCE):
            connection = await pool.exchange(request, repeatable=True)
            try:
                content = await connection.whole()
            finally:
                pool.release(connection)
    except TimeoutError:
        return f"no answer within {_PATIENCE:g} s"
    except UpstreamError as error:
        return error.message
    if connection.status in (401, 403):
        return _OK
    return _state(connection.status, content)


def _state(status: int, content: bytes) -> str:
    try:
        health: Any = orjson.loads(content)["status"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        health = None
    if status == 200 and health in ("green", "yellow"):
        return _OK
    return f"status {status}, health {health}"


async def _part(services: Services, need: EmbedQuery | ScoreDocuments) -> str:
    if isinstance(need, ScoreDocuments) and services.reranker is None:
        return "off"
    guard, work, _ = services.parts.task(need, _PATIENCE)
    try:
        await guard.run_async(work, _PATIENCE)
    except RerankSkipped:  # it works, but not for this language
        return _OK
    except EsHybridError as error:
        return error.message
    return _OK
