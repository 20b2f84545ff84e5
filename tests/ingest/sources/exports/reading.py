"""Reads text as a shop's export."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from es_hybrid.records import Product
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row, guess_format, open_rows


def read(
    folder: Path, content: str, name: str = "products_export_1.csv", **ingest: Any
) -> list[Row]:
    """The rows of a file with this content, skipped ones included."""
    path = folder / name
    path.write_text(content)
    settings = Settings(ingest=IngestSettings(**ingest))
    return list(open_rows(str(path), guess_format(str(path)), settings=settings))


def products(rows: list[Row], **ingest: Any) -> list[Product]:
    """The products of the rows that are not skipped."""
    given = {"default_lang": "en", "default_currency": "EUR"} | ingest
    cleaner = Cleaner(Settings(ingest=IngestSettings(**given)))
    return [cleaner.clean(row).product for row in rows if not row.skipped]


def skipped(rows: list[Row]) -> list[tuple[str, str]]:
    """Line and reason of the skipped rows."""
    return [(row.place.rpartition(":")[2], row.skipped) for row in rows if row.skipped]
