"""How rows become products."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field

from es_hybrid.settings.section import Section


class IngestSettings(Section):
    """How a source row becomes a product."""

    fields: dict[str, str] = Field(default_factory=dict)
    """Product field -> the row's key, as `{title = "name"}`. Unnamed fields keep their own name."""
    category_separator: str = Field(">", min_length=1)
    """Between the steps of a category path."""
    decimal_separator: Literal[".", ","] = "."
    """In prices that are text."""
    default_currency: str = ""
    """Of rows that name none."""
    default_lang: str = ""
    """Of rows that name none; unset, it is detected."""
    text_template: tuple[str, ...] = ("title", "brand", "category", "description")
    """Product fields that make the text that is embedded, in this order."""
    text_max_chars: int = Field(2000, ge=100)
    """Characters of that text."""
    bulk_bytes: int = Field(4 * 1024 * 1024, ge=100_000)
    """Of one bulk request."""
    bulk_concurrency: int = Field(2, ge=1, le=32)
    """Bulk requests under way at once."""
    dead_letters: Path = Path("es-hybrid.rejected.jsonl")
    """Where rejected rows go."""
