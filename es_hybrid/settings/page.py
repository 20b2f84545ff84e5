"""The web page."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from es_hybrid.settings.section import Section

PageLanguage = Literal["en", "zh"]


class PageSettings(Section):
    """The web page: `es-hybrid ui`, and `/ui` of `es-hybrid serve`."""

    host: str = "127.0.0.1"
    """Address that `es-hybrid ui` listens on. Any address but loopback requires
    `serve.api_keys`."""
    port: int = Field(7860, ge=0, le=65535)
    """Port that `es-hybrid ui` listens on. 0 picks a free one."""
    language: PageLanguage | None = None
    """Initial language of the page, `en` or `zh`. Unset: the browser's. Users can switch it."""
    facets: tuple[str, ...] = ("category", "brand", "lang")
    """Fields whose values a search on the page can be filtered by."""
