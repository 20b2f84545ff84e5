"""Sources as streams of rows.

`find_sources` makes sources of what a user names; `open_rows` reads one: JSONL, CSV, TSV, Parquet,
Shopify's product export, the documents of an Elasticsearch index. Files may be compressed (`.gz`,
`.zst`), members of a `.zip`, behind any URL that fsspec knows, or standard input as `-`.

A row that cannot be read comes out as a row with a `problem`; a source that cannot be read is a
`SourceError`, raised by the iterator. The same source gives the same rows in the same order, those
with a problem included (an index only while nobody writes into it).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import TYPE_CHECKING

from ingest.sources.finding import can_be_read_again, find_sources
from ingest.sources.fingerprints import fingerprint
from ingest.sources.row import Row
from ingest.sources.source import (
    FILE_FORMATS,
    STDIN,
    Format,
    Source,
    guess_format,
    place_of,
)

if TYPE_CHECKING:
    from es_hybrid.settings import Settings

__all__ = [
    "FILE_FORMATS",
    "STDIN",
    "Format",
    "Row",
    "Source",
    "can_be_read_again",
    "check_source",
    "find_sources",
    "fingerprint",
    "guess_format",
    "open_rows",
    "place_of",
]


def open_rows(
    path: str,
    file_format: Format,
    *,
    required: Sequence[str] = (),
    wanted: Sequence[str] = (),
    settings: Settings | None = None,
) -> Generator[Row, None, None]:
    """The rows of a source, read as they are asked for. Close it where it is not read to the end.

    Args:
        path: As in `Source`.
        required: Columns a CSV, TSV or Parquet file must have.
        wanted: The columns that are read from Parquet and from an index, where each costs; all
            when empty.
        settings: Say where an index is; those of a bare installation when None.

    Raises:
        SourceError: from the iterator, as soon as the source shows to be unreadable.
    """
    if file_format == "jsonl":
        from ingest.sources.jsonl import read_jsonl

        return read_jsonl(path)
    if file_format == "parquet":
        from ingest.sources.parquet import read_parquet

        return read_parquet(path, required=required, wanted=wanted)
    if file_format == "elasticsearch":
        from ingest.sources.documents import read_documents

        return read_documents(path, wanted=wanted, settings=settings)
    from ingest.sources.delimited import read_delimited

    return read_delimited(path, file_format, required=required)


def check_source(
    path: str,
    file_format: Format,
    *,
    required: Sequence[str] = (),
    settings: Settings | None = None,
) -> None:
    """Open a source and read its first row. Pipes cannot be looked at twice: no check.

    Raises:
        SourceError: absent, a folder, empty, not of the format, or without a required column.
    """
    if not can_be_read_again(path):
        return
    rows = open_rows(path, file_format, required=required, settings=settings)
    with closing(rows):
        next(rows)
