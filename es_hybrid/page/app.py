"""The page as an ASGI application, created on the first request and locked down.

Only what the page needs of Gradio's server is open (see `gate`). A Content-Security-Policy keeps
the browser from fetching anything from elsewhere. Refusing foreign web sites is left to the server.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import importlib.util
import os
import tempfile
from collections.abc import Mapping
from typing import TYPE_CHECKING

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import RedirectResponse
from starlette.types import Message, Receive, Scope, Send

from es_hybrid.errors import MissingExtra
from es_hybrid.http.hosts import HostRule
from es_hybrid.http.keys import ApiKeys
from es_hybrid.http.refusal import Refusal
from es_hybrid.page.gate import is_cacheable, is_open, receive_event, scope_for_gradio
from es_hybrid.page.library import Library
from es_hybrid.page.words import LANGUAGES
from es_hybrid.settings.page import PageLanguage

if TYPE_CHECKING:
    from es_hybrid.page.mounting import Mounted

__all__ = ["Page", "is_installed"]

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
_NOT_STORED = {"cache-control": "no-store"}


def is_installed() -> bool:
    """Whether the extra `page` is installed."""
    return importlib.util.find_spec("gradio") is not None


class Page:
    """The page in each of its languages, at `/en/` and `/zh/` below its prefix.

    Args:
        library: Answers the tabs; closed with the page.
        prefix: Path where the page is mounted, such as `/ui`.
        keys: API keys; a browser sends one as the password of HTTP Basic authentication.
        hosts: Without keys, the page is closed to requests that are not local by this rule.
        language: Initial language; None for the browser's.
    """

    def __init__(
        self,
        library: Library,
        *,
        prefix: str,
        keys: ApiKeys,
        hosts: HostRule,
        language: PageLanguage | None,
    ) -> None:
        self._library = library
        self._prefix = prefix
        self._keys = keys
        self._language = language
        self._hosts = hosts
        self._made: Mounted | None = None
        self._making = asyncio.Lock()
        self._running = contextlib.AsyncExitStack()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            Refusal: 400, 401, 403, 404 or 413.
            MissingExtra: Gradio is not installed.
        """
        headers = Headers(scope=scope)
        self._check(headers)
        path = scope["path"].removeprefix(self._prefix).removeprefix("/")
        if not path:
            await RedirectResponse(self._home(headers))(scope, receive, send)
            return
        language, _, rest = path.partition("/")
        if language not in LANGUAGES or not is_open(scope["method"], rest):
            raise Refusal(404, "resource_not_found_exception", "the page has no such path")
        if scope["method"] == "POST":
            receive = await receive_event(receive)
        added = _HEADERS if is_cacheable(rest) else _HEADERS | _NOT_STORED
        app = (await self._mounted()).app
        await app(scope_for_gradio(scope, rest), receive, _with_headers(send, added))

    async def prepare(self) -> None:
        """Create the page now, so that its first visitor need not wait."""
        await self._mounted()

    def end(self) -> None:
        """Close the connections that browsers hold open, which would delay a shutdown."""
        for event in self._made.stop_events if self._made else ():
            event.set()

    async def close(self) -> None:
        """Stop Gradio's queue, if it is running, and close the library."""
        self.end()
        await self._running.aclose()
        self._library.close()

    def _check(self, headers: Headers) -> None:
        if not self._keys.required and not self._hosts.is_local(headers.raw):
            raise Refusal(
                403,
                "security_exception",
                "without serve.api_keys only this machine can open the page, and not through a "
                "proxy; set serve.api_keys",
            )
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

    async def _mounted(self) -> Mounted:
        async with self._making:
            if self._made is None:
                if not is_installed():
                    raise MissingExtra("the page", "page")
                self._running.callback(_private_folder().cleanup)
                # In a thread, as importing Gradio takes seconds and would block other requests.
                # With its own loop, as Gradio would otherwise create one and never close it.
                made = await asyncio.to_thread(lambda: asyncio.run(self._make()))
                lifespan = made.app.router.lifespan_context(made.app)
                await self._running.enter_async_context(lifespan)
                self._made = made
            return self._made

    async def _make(self) -> Mounted:
        from es_hybrid.page.mounting import mounted

        return mounted(self._library, self._prefix)


def _private_folder() -> tempfile.TemporaryDirectory[str]:
    """Give Gradio a folder for its files that no other user can write to.

    By default it trusts the files in a folder of /tmp that any user can create first. It reads the
    variable when it is imported, and again later.
    """
    folder = tempfile.TemporaryDirectory(prefix="es-hybrid-page-", ignore_cleanup_errors=True)
    os.environ["GRADIO_TEMP_DIR"] = folder.name
    return folder


def _password(headers: Headers) -> str | None:
    kind, _, encoded = headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return None


def _with_headers(send: Send, added: Mapping[str, str]) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            MutableHeaders(scope=message).update(added)
        await send(message)

    return sending
