"""The page as an ASGI application, created on the first request and locked down.

Gradio's server also accepts uploads, serves files and fetches URLs, none of which this page needs.
Only the paths that the page needs are open, only to requests of its own origin, and a
Content-Security-Policy keeps the browser from fetching anything from elsewhere.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import importlib.util
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from es_hybrid.errors import MissingExtra
from es_hybrid.http.keys import ApiKeys
from es_hybrid.http.refusal import Refusal
from es_hybrid.page.library import Library
from es_hybrid.page.words import LANGUAGES
from es_hybrid.settings.page import PageLanguage

if TYPE_CHECKING:
    from es_hybrid.page.mounting import Mounted

__all__ = ["Page", "is_installed"]

# Open paths below a language's path. All others of Gradio's are closed.
_OPEN = (
    "config", "theme.css", "static/", "assets/", "gradio_api/queue/", "gradio_api/run/",
    "gradio_api/heartbeat/",
)  # fmt: skip
# Gradio needs inline scripts and styles. No other host may be contacted.
_POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "font-src 'self' data:",
        "object-src 'none'",
        "manifest-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    ]
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def is_installed() -> bool:
    """Whether the extra `page` is installed."""
    return importlib.util.find_spec("gradio") is not None


class Page:
    """The page in each of its languages, at `/en/` and `/zh/` below its prefix.

    Args:
        library: Answers the tabs; closed with the page.
        prefix: Path where the page is mounted, such as `/ui`.
        keys: API keys; a browser sends one as the password of HTTP Basic authentication.
        language: Initial language; None for the browser's.
        closed_because: Why the page is closed to everyone; empty if it is open.
        hosts: Accepted values of `Host`; empty for any. A page on a loopback address must refuse
            foreign names, or a web site could reach it through a name that resolves to 127.0.0.1.
    """

    def __init__(
        self,
        library: Library,
        *,
        prefix: str,
        keys: ApiKeys,
        language: PageLanguage | None,
        closed_because: str = "",
        hosts: frozenset[str] = frozenset(),
    ) -> None:
        self._library = library
        self._prefix = prefix
        self._keys = keys
        self._language = language
        self._closed_because = closed_because
        self._hosts = hosts
        self._made: ASGIApp | None = None
        self._making = asyncio.Lock()
        self._running = contextlib.AsyncExitStack()
        self._stop_events: list[asyncio.Event] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            Refusal: 401, 403 or 404.
            MissingExtra: Gradio is not installed.
        """
        request = Request(scope)
        self._check(request.headers, request.method)
        path = scope["path"].removeprefix(self._prefix).strip("/")
        if not path:
            await RedirectResponse(self._home(request.headers))(scope, receive, send)
            return
        language, _, rest = path.partition("/")
        if language not in LANGUAGES or (rest and not rest.startswith(_OPEN)) or ".." in rest:
            raise Refusal(404, "resource_not_found_exception", "the page has no such path")
        await (await self._app())(scope, receive, _with_headers(send))

    async def prepare(self) -> None:
        """Create the page now, so that its first visitor need not wait."""
        await self._app()

    def end(self) -> None:
        """Close the connections that browsers hold open, which would delay a shutdown."""
        for event in self._stop_events:
            event.set()

    async def close(self) -> None:
        """Stop Gradio's queue, if it is running, and close the library."""
        self.end()
        await self._running.aclose()
        self._library.close()

    def _check(self, headers: Headers, method: str) -> None:
        if self._closed_because:
            raise Refusal(403, "security_exception", self._closed_because)
        host = urlsplit(f"//{headers.get('host', '')}")
        if self._hosts and host.hostname not in self._hosts:
            raise Refusal(403, "security_exception", "the page does not serve this host name")
        origin = headers.get("origin")
        if origin and method != "GET" and urlsplit(origin).netloc != host.netloc:
            raise Refusal(403, "security_exception", "the request comes from another web site")
        try:
            self._keys.check(api_key=_password(headers), authorization=headers.get("authorization"))
        except Refusal as refusal:
            challenge = [(b"www-authenticate", b'Basic realm="es-hybrid", charset="UTF-8"')]
            raise Refusal(401, refusal.type, refusal.message, challenge) from None

    def _home(self, headers: Headers) -> str:
        wanted = headers.get("accept-language", "")
        first = wanted.split(",")[0].split("-")[0].strip().lower()
        of_browser = first if first in LANGUAGES else LANGUAGES[0]
        return f"{self._prefix}/{self._language or of_browser}/"

    async def _app(self) -> ASGIApp:
        async with self._making:
            if self._made is None:
                if not is_installed():
                    raise MissingExtra("the page", "page")
                # In a thread, as importing Gradio takes seconds and would block other requests.
                # With its own loop, as Gradio would otherwise create one and never close it.
                made = await asyncio.to_thread(lambda: asyncio.run(self._make()))
                lifespan = made.app.router.lifespan_context(made.app)
                await self._running.enter_async_context(lifespan)
                self._stop_events = made.stop_events
                self._made = made.app
            return self._made

    async def _make(self) -> Mounted:
        from es_hybrid.page.mounting import mounted

        return mounted(self._library, self._prefix)


def _password(headers: Headers) -> str | None:
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(_HEADERS)
        await send(message)

    return sending
