"""How rows become products."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr

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
    bulk_concurrency: int = Field(4, ge=1, le=32)
    """Bulk requests under way at once, at most: fewer while the cluster is busy or slow."""
    max_outage_s: float = Field(600.0, ge=0)
    """Seconds that Elasticsearch or the embedding server may be away before a load gives up."""
    dead_letters: Path = Path("es-hybrid.rejected.jsonl")
    """Where rejected rows go."""
    source_api_key: SecretStr | None = None
    """For `es+https://` sources: of the cluster that is read, unless it is the configured one."""
    ledger_dir: Path = Path(".es-hybrid/loads")
    """Where loads note how far they are, to go on from there."""
    max_rejected: int | None = Field(None, ge=0)
    """Rejected rows a load may have before it is called off. Unset: any number."""
    max_rejected_share: float = Field(0.5, ge=0, le=1)
    """Share of the rows that may be rejected; looked at from 1,000 rows on."""
    max_rejected_in_a_row: int | None = Field(100, ge=1)
    """So many rejected rows without a good one between them are no accident."""
    max_delete_share: float = Field(0.2, ge=0, le=1)
    """Share of the documents that `--delete-missing` may delete; above, it deletes none."""
    ray_actors: int | None = Field(None, ge=1, le=10_000)
    """Actors of `--runner ray`, each with one shard at a time. Unset: one for each CPU."""
