"""The front of the server: which door a request takes, and what is said of it afterwards.

    search   a search or multi-search, answered here where only es-hybrid can
    own      es-hybrid's own endpoints: /search, /v1/rerank, /healthz, /readyz, /metrics, /ui
    pass     everything else, passed through to Elasticsearch

A plain ASGI application and no framework: most requests only pass through, and must cost little.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable

from es_hybrid.errors import EsHybridError, RequestRefused
from es_hybrid.http.answers import encoded
from es_hybrid.http.refusal import Refusal, json_headers, refusal_of
from es_hybrid.serve.exchange import Application, CallerGone, Exchange, Receive, Scope, Send
from es_hybrid.serve.metrics import Metrics
from es_hybrid.serve.upstream import Pool
from es_hybrid.serve.upstream.relay import relay

logger = logging.getLogger(__name__)

Answer = Callable[[Exchange], Awaitable[None]]

_SEARCHES = (b"_search", b"_msearch")
_READ = ("GET", "POST")
# Elasticsearch has `GET /metrics` and `GET /ui` too: the index of that name. An official client,
# which asks for this media type, means the index.
_PROBES = (b"/healthz", b"/readyz", b"/metrics", b"/ui", b"/ui/")
_OWN = (b"/v1/rerank", b"/v2/rerank", b"/v1/docs", b"/v1/openapi.json")
_PAGES = (b"/ui/en/", b"/ui/zh/")
_SERVER_ERROR = 500
_CALLER_GONE = 499  # nobody sees it but the logs; nginx's number
_CLIENTS_TYPE = b"application/vnd.elasticsearch+"


class Gateway:
    """The ASGI application that the server runs.

    Args:
        own: The application with es-hybrid's own endpoints; it has the life span, too.
        search: Answers a search or multi-search.
        pool: Where everything else goes.
        max_body_bytes: Of a request to one of our own endpoints.
        end: Closes connections that are held open by design, when the server is to end.
    """

    def __init__(
        self,
        *,
        own: Application,
        search: Answer,
        pool: Pool,
        metrics: Metrics,
        max_body_bytes: int,
        end: Callable[[], None],
    ) -> None:
        self.end = end
        self._own = own
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._doors: dict[str, Answer] = {
            "search": search,
            "own": self._answer_own,
            "pass": lambda exchange: relay(exchange, pool),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        started = time.perf_counter()
        exchange = Exchange(scope, receive, send)
        exchange.door = door_of(exchange)
        self._metrics.in_flight += 1
        try:
            await self._answer(exchange)
        finally:
            self._metrics.in_flight -= 1
            self._record(exchange, time.perf_counter() - started)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._doors[exchange.door](exchange)
        except EsHybridError as error:
            if exchange.begun:  # the broken connection is all that can still be said
                raise
            refusal = refusal_of(error)
            if refusal.status >= _SERVER_ERROR:
                logger.warning("%s", error, extra={"request_id": exchange.id.decode("ascii")})
            await _refuse(exchange, refusal)
        except CallerGone:
            exchange.status = exchange.status or _CALLER_GONE
        except Exception:
            logger.exception("failed", extra={"request_id": exchange.id.decode("ascii")})
            if exchange.begun:
                raise
            await _refuse(exchange, Refusal(500, "internal_exception", "es-hybrid failed; see log"))

    async def _answer_own(self, exchange: Exchange) -> None:
        await exchange.hand_over(self._own, await exchange.body(self._max_body_bytes))

    def _record(self, exchange: Exchange, seconds: float) -> None:
        door = exchange.door
        self._metrics.answered(door, exchange.status, seconds)
        # What only passes through is Elasticsearch's business, and its logs'.
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
                },
            )


def door_of(exchange: Exchange) -> str:
    """Which way a request takes: `search`, `own` or `pass`."""
    path, method = exchange.path, exchange.method
    parts = path.split(b"/")
    # "", "_search" or "", index, "_search".
    if parts[-1] in _SEARCHES and len(parts) in (2, 3) and b"" not in parts[1:] and method in _READ:
        return "search"
    if path in _OWN or (path == b"/search" and method == "POST") or path.startswith(_PAGES):
        return "own"
    if path in _PROBES and method == "GET" and _CLIENTS_TYPE not in exchange.header(b"accept"):
        return "own"
    return "pass"


async def _refuse(exchange: Exchange, refusal: RequestRefused) -> None:
    headers = json_headers(exchange.header(b"accept"))
    if isinstance(refusal, Refusal):
        headers += refusal.headers
    await exchange.answer(refusal.status, encoded(refusal.body()), headers)
