"""The page that people use."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from es_hybrid.settings.section import Section

PageLanguage = Literal["en", "zh"]


class PageSettings(Section):
    """The page, `es-hybrid ui`, also at `/ui` of `es-hybrid serve`."""

    host: str = "127.0.0.1"
    """Address that `es-hybrid ui` listens on; beyond this machine only with `serve.api_keys`."""
    port: int = Field(7860, ge=0, le=65535)
    """0 takes a free one."""
    language: PageLanguage | None = None
    """Language it opens in. Unset: the browser's. A switch on the page has the other."""
    facets: tuple[str, ...] = ("category", "brand", "lang")
    """Fields whose values can be ticked beside a search."""
