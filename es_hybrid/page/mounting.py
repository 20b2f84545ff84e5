"""Gradio's applications, one per language, in one."""

from __future__ import annotations

import asyncio
import warnings
from dataclasses import dataclass

import gradio as gr
from fastapi import FastAPI
from gradio.routes import App
from starlette.exceptions import StarletteDeprecationWarning
from starlette.routing import Mount

from es_hybrid.page.blocks import build_page
from es_hybrid.page.library import Library
from es_hybrid.page.theme import head, style, theme
from es_hybrid.page.words import LANGUAGES

__all__ = ["Mounted", "mounted"]


@dataclass(frozen=True, slots=True)
class Mounted:
    """The application, and events that close the connections that browsers hold open to it."""

    app: FastAPI
    stop_events: list[asyncio.Event]


def mounted(library: Library, prefix: str) -> Mounted:
    """The page in every language. Must be called in a running event loop."""
    # Gradio uses a deprecated name of Starlette's, and each event would print a warning.
    warnings.filterwarnings(
        "ignore", category=StarletteDeprecationWarning, module=r"gradio\.routes"
    )
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    stop_events = []
    for language in LANGUAGES:
        page = build_page(library, language, prefix=prefix)
        # Explicit, because omitted options fall back to Gradio's environment variables.
        gr.mount_gradio_app(
            app,
            page,
            f"/{language}",
            footer_links=[],
            allowed_paths=[],
            show_error=False,
            max_file_size=1,
            ssr_mode=False,
            enable_monitoring=False,
            pwa=False,
            mcp_server=False,
            theme=theme(),
            css=style(),
            head=head(),
        )
        # Gradio checks paths of files only after `launch`, which a mounted page never calls.
        page.has_launched = True
        stop_events.append(_last_mounted(app).stop_event)
    return Mounted(app, stop_events)


def _last_mounted(app: FastAPI) -> App:
    mount = app.routes[-1]
    assert isinstance(mount, Mount)
    assert isinstance(mount.app, App)
    return mount.app
