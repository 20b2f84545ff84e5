"""`es-hybrid ui`: the page as its own server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from es_hybrid.errors import MissingExtra, SettingsError
from es_hybrid.http.hosts import HostRule
from es_hybrid.http.keys import ApiKeys
from es_hybrid.http.listening import address, is_loopback, listen
from es_hybrid.http.refusal import answer_refusals
from es_hybrid.http.server import run_until_signal
from es_hybrid.page.app import Page, is_installed
from es_hybrid.page.library import Library
from es_hybrid.settings import Settings

__all__ = ["create_app", "run"]

# Seconds for open requests to finish after Ctrl-C.
_DRAIN = 5


def run(settings: Settings, *, started: Callable[[str], None]) -> None:
    """Serve the page until SIGTERM or SIGINT.

    Args:
        started: Called with the page's URL, once it can be opened.

    Raises:
        SettingsError: the address cannot or must not be listened on.
        MissingExtra: Gradio is not installed.
    """
    if not is_installed():
        raise MissingExtra("the page", "page")
    host = settings.page.host
    if not is_loopback(host) and not settings.serve.api_keys:
        raise SettingsError(
            "anyone who reaches the page can search and decide with your credentials",
            place=f"page.host = {host}",
            remedy="set serve.api_keys, or listen on 127.0.0.1",
        )
    listening = listen(host, settings.page.port, section="page")
    app, page = create_app(Library(settings))
    started(f"{address(listening)}/")
    run_until_signal(app, listening, drain_seconds=_DRAIN, at_end=page.end)


def create_app(library: Library) -> tuple[FastAPI, Page]:
    """An application that serves the page only, and the page."""
    settings = library.settings
    hosts = HostRule(settings.page.host, settings.serve)
    page = Page(
        library,
        prefix="",
        keys=ApiKeys(settings.serve.api_keys),
        hosts=hosts,
        language=settings.page.language,
    )

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        hosts.check(scope["method"], scope["headers"])
        await page(scope, receive, send)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        await page.prepare()
        yield
        await page.close()

    app = FastAPI(openapi_url=None, lifespan=lifespan)
    app.mount("/", guarded)
    answer_refusals(app)
    return app, page
