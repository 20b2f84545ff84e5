"""The server's entry point: chooses the door of each request, then logs and counts it.

    search   a search, multi-search, template or asynchronous search, answered here if
             Elasticsearch cannot answer it
    rules    a request of the query rules API, the same
    own      es-hybrid's own: /search, /similar, /suggest, /events, /v1/rerank, /healthz,
             /readyz, /metrics, /ui
    pass     everything else, passed through to Elasticsearch

Plain ASGI without a framework, because most requests only pass through and should cost little.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Receive, Scope, Send

from es_hybrid.errors import EsHybridError
from es_hybrid.http.answers import Headers, encoded
from es_hybrid.http.cors import Cors
from es_hybrid.http.hosts import HostRule
from es_hybrid.http.keys import ApiKeys
from es_hybrid.http.refusal import SERVER_ERROR, Refusal, refusal_headers, refusal_of
from es_hybrid.serve.bodies import Bodies
from es_hybrid.serve.exchange import CallerGone, Exchange
from es_hybrid.serve.metrics import Metrics
from es_hybrid.serve.query_rules.endpoints import is_query_rules
from es_hybrid.serve.search_api.async_searches import ID_PREFIX
from es_hybrid.serve.upstream.pool import Pool
from es_hybrid.serve.upstream.relay import relay
from es_hybrid.serve.workers import Workers

logger = logging.getLogger(__name__)

Handler = Callable[[Exchange], Awaitable[None]]

_SEARCHES = (b"_search", b"_msearch")
_READ = ("GET", "POST")
_ASYNC = b"_async_search"
# Asynchronous searches that were started here.
_KEPT = b"/%s/%s" % (_ASYNC, ID_PREFIX.encode())
_STATUS = b"/%s/status/%s" % (_ASYNC, ID_PREFIX.encode())
_OF_KEPT = {"GET": (_KEPT, _STATUS), "DELETE": (_KEPT,)}
# `GET /metrics` and `GET /ui` are also Elasticsearch's: the indices of these names. The official
# clients ask for `_CLIENTS_TYPE` and get the index.
_PROBES = (b"/healthz", b"/readyz", b"/metrics", b"/ui", b"/ui/")
_OWN = (b"/v1/rerank", b"/v2/rerank", b"/v1/docs", b"/v1/openapi.json")
_POSTED = (b"/search", b"/similar", b"/events")
_PAGES = (b"/ui/en/", b"/ui/zh/")
# `GET /suggest` is Elasticsearch's, too: the index of this name. With `q` it refuses it.
_TYPED = re.compile(rb"(?:.*&)?q=")
_CALLER_GONE = 499  # for logs and metrics only, as in nginx
_CLIENTS_TYPE = b"application/vnd.elasticsearch+"


class Gateway:
    """The ASGI application that the server runs.

    Args:
        own: The application with es-hybrid's own endpoints; it also handles the lifespan.
        search: Answers a search or multi-search.
        rules: Answers a request of the query rules API.
        pool: Connections to Elasticsearch, which gets all other requests.
        hosts: Refuses requests of foreign web sites, whatever their door.
        cors: Admits those of listed sites, but not to the page.
        keys: Admits the callers of the endpoints in `limits`; Elasticsearch never gets them.
        bodies: Reads the bodies of requests to these endpoints.
        workers: Compress large answers.
        limits: Path of an endpoint that lends something of the server's -> maximum body in bytes.
        end: Called at shutdown; closes the connections that browsers hold open.
    """

    def __init__(
        self,
        *,
        own: ASGIApp,
        search: Handler,
        rules: Handler,
        pool: Pool,
        hosts: HostRule,
        cors: Cors,
        keys: ApiKeys,
        metrics: Metrics,
        bodies: Bodies,
        workers: Workers,
        limits: Mapping[bytes, int],
        end: Callable[[], None],
    ) -> None:
        self.end = end
        self._own = own
        self._pool = pool
        self._hosts = hosts
        self._cors = cors
        self._keys = keys
        self._metrics = metrics
        self._bodies = bodies
        self._workers = workers
        self._limits = limits
        self._doors: dict[str, Handler] = {
            "search": search,
            "rules": rules,
            "own": self._answer_own,
            "pass": lambda exchange: relay(exchange, pool),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        started = time.perf_counter()
        exchange = Exchange(scope, receive, send, self._workers)
        exchange.door = door_of(exchange)
        preflight = self._admit(exchange)
        if exchange.door != "own":
            exchange.headers = self._keys.removed_from(exchange.headers)
        self._metrics.in_flight += 1
        try:
            await self._answer(exchange, preflight)
        finally:
            self._metrics.in_flight -= 1
            self._record(exchange, time.perf_counter() - started)

    def _admit(self, exchange: Exchange) -> Headers | None:
        """Admit the pages of listed sites; returns the answer's headers if a browser asks first."""
        if exchange.door == "own" and exchange.path.startswith(b"/ui"):
            return None
        origin = self._cors.admitted(exchange.headers)
        exchange.added += self._cors.added(origin)
        if origin is None:
            return None
        headers = exchange.headers
        exchange.headers = self._cors.removed_from(headers)
        return self._cors.preflight(exchange.method, headers)

    async def _answer(self, exchange: Exchange, preflight: Headers | None) -> None:
        try:
            self._hosts.check(exchange.method, exchange.headers)
            if preflight is not None:
                await exchange.answer(200, b"", preflight)
                return
            await self._doors[exchange.door](exchange)
        except CallerGone:
            exchange.status = exchange.status or _CALLER_GONE
        except Exception as error:
            refusal = refusal_of(error)
            request_id = {"request_id": exchange.id.decode("ascii")}
            if not isinstance(error, EsHybridError):
                logger.exception("failed", extra=request_id)
            elif refusal.status >= SERVER_ERROR and not exchange.begun:
                logger.warning("%s", error, extra=request_id)
            if exchange.begun:  # the status is sent; all that remains is to break the connection
                raise
            headers = refusal_headers(refusal, accept=exchange.header(b"accept"))
            await exchange.answer(refusal.status, encoded(refusal.body()), headers)

    async def _answer_own(self, exchange: Exchange) -> None:
        limit = self._limits.get(exchange.path)
        if limit is None:  # the page checks keys and bodies itself
            await exchange.hand_over(self._own)
            return
        self._keys.check(
            api_key=exchange.header(b"x-api-key").decode("latin-1"),
            authorization=exchange.header(b"authorization").decode("latin-1"),
        )
        async with self._bodies.read(exchange, limit) as body:
            if body is None:
                reason = f"the body is longer than {limit} bytes"
                raise Refusal(413, "content_too_long_exception", reason)
            with exchange.ends_with_caller():
                await exchange.hand_over(self._own, body)

    def _record(self, exchange: Exchange, seconds: float) -> None:
        door = exchange.door
        self._metrics.answered(door, exchange.status, seconds)
        # Elasticsearch logs what passes through.
        level = logging.DEBUG if door == "pass" else logging.INFO
        if logger.isEnabledFor(level):
            logger.log(
                level,
                "answered",
                extra={
                    "request_id": exchange.id.decode("ascii"),
                    "method": exchange.method,
                    "path": exchange.path.decode("latin-1"),
                    "door": door,
                    "status": exchange.status,
                    "ms": round(seconds * 1000, 2),
                    "degraded": exchange.degraded,
                    "rules": exchange.rules,
                },
            )


def door_of(exchange: Exchange) -> str:
    """The door of a request: `search`, `rules`, `own` or `pass`."""
    path, method = exchange.path, exchange.method
    parts = path.split(b"/")
    if _is_search(parts, method) or path.startswith(_OF_KEPT.get(method, ())):
        return "search"
    if is_query_rules(path, method):
        return "rules"
    if path in _OWN or (path in _POSTED and method == "POST") or path.startswith(_PAGES):
        return "own"
    if path == b"/suggest" and method == "GET" and _TYPED.match(exchange.scope["query_string"]):
        return "own"
    if path in _PROBES and method == "GET" and _CLIENTS_TYPE not in exchange.header(b"accept"):
        return "own"
    return "pass"


def _is_search(parts: list[bytes], method: str) -> bool:
    """Whether a request is a search of any form: `_search`, or `_search` of an index."""
    if parts[-1] == b"template":
        parts = parts[:-1]
    elif parts[-1] == _ASYNC:
        return method == "POST" and len(parts) in (2, 3) and b"" not in parts[1:]
    return (
        parts[-1] in _SEARCHES and len(parts) in (2, 3) and b"" not in parts[1:] and method in _READ
    )
