"""Source files as streams of rows.

`open_rows` reads JSONL, CSV, TSV and Parquet, the first three also as `.gz` and `.zst`, and from
standard input as `-`. A row that cannot be read comes out as a row with a `problem`; a file that
cannot be read is a `SourceError`, raised by the iterator.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any, Literal, get_args

from es_hybrid.errors import RowError, SourceError

__all__ = ["STDIN", "Format", "Row", "check_source", "guess_format", "open_rows"]

Format = Literal["jsonl", "csv", "tsv", "parquet"]

STDIN = "-"

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".parquet": "parquet",
    ".pq": "parquet",
}
_COMPRESSED = (".gz", ".zst")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in its file.

    Attributes:
        place: `file:line`, or `file:row N` in Parquet; counted from 1.
        values: Column or key -> value; empty where the row cannot be read.
        problem: Why it cannot be read.
        raw: The beginning of the text of a row that cannot be read.
    """

    place: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: RowError | None = None
    raw: str = ""


def guess_format(path: str) -> Format:
    """The format by the file's name.

    Raises:
        SourceError: the name tells none.
    """
    suffixes = [suffix.lower() for suffix in PurePath(path).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    if path == STDIN or not suffixes or suffixes[-1] not in _SUFFIXES:
        raise SourceError(
            "standard input has no name to tell the format by"
            if path == STDIN
            else "the name does not tell the format",
            place=path,
            remedy="say --format " + "|".join(get_args(Format)),
        )
    return _SUFFIXES[suffixes[-1]]


def open_rows(
    path: str, file_format: Format, *, required: Sequence[str] = (), wanted: Sequence[str] = ()
) -> Iterator[Row]:
    """The rows of a file, read as they are asked for.

    Args:
        path: `-` is standard input.
        required: Columns a CSV, TSV or Parquet file must have.
        wanted: The columns that are read from Parquet, where each costs; all when empty.

    Raises:
        SourceError: from the iterator, as soon as the file shows to be unreadable.
    """
    if file_format == "jsonl":
        from ingest.sources.jsonl import read_jsonl

        return read_jsonl(path)
    if file_format == "parquet":
        from ingest.sources.parquet import read_parquet

        return read_parquet(path, required=required, wanted=wanted)
    from ingest.sources.delimited import read_delimited

    return read_delimited(path, tabs=file_format == "tsv", required=required)


def check_source(path: str, file_format: Format, *, required: Sequence[str] = ()) -> None:
    """Open a file and read its first row. Standard input cannot be looked at twice: no check.

    Raises:
        SourceError: absent, a folder, empty, not of the format, or without a required column.
    """
    if path == STDIN:
        return
    rows = open_rows(path, file_format, required=required)
    with closing(rows):  # type: ignore[type-var]
        next(rows)


def require_columns(path: str, found: Sequence[str], required: Sequence[str]) -> None:
    """Hold the columns of a file against those that are needed.

    Raises:
        SourceError: naming the missing ones and those found.
    """
    doubled = sorted({name for name in found if found.count(name) > 1})
    if doubled:
        raise SourceError(
            f"two columns have the same name: {', '.join(map(repr, doubled))}",
            place=path,
            remedy="rename one of them in the file",
        )
    missing = [name for name in required if name not in found]
    if missing:
        shown = ", ".join(map(repr, found[:30])) + (", …" if len(found) > 30 else "")
        raise SourceError(
            f"no column {' and no column '.join(map(repr, missing))}; it has {shown}",
            place=path,
            remedy="say which column it is: --map id=COLUMN, or ingest.fields in the settings",
        )
