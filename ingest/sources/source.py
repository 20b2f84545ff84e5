"""What a source is called, and the format that its name tells."""

from __future__ import annotations

from pathlib import PurePath
from typing import Literal, NamedTuple, get_args

from es_hybrid.errors import SourceError

Format = Literal["jsonl", "csv", "tsv", "parquet", "shopify", "elasticsearch"]

# Those one may name; an index is told by its scheme.
FILE_FORMATS = tuple(name for name in get_args(Format) if name != "elasticsearch")

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
COMPRESSED = (".gz", ".zst")
_INDEX_SCHEMES = ("es://", "es+http://", "es+https://")


class Source(NamedTuple):
    """One source of rows.

    Attributes:
        path: A file, `archive.zip!member`, a URL that fsspec knows, `es://INDEX`, or `-`.
    """

    path: str
    format: Format


def guess_format(path: str) -> Format:
    """The format by the source's name.

    Raises:
        SourceError: the name tells none.
    """
    found = known_format(path)
    if found is None:
        raise SourceError(
            "standard input has no name to tell the format by"
            if path == STDIN
            else "the name does not tell the format",
            place=place_of(path),
            remedy="say --format " + "|".join(FILE_FORMATS),
        )
    return found


def known_format(path: str) -> Format | None:
    """The format by the source's name; None where the name tells none."""
    if is_index(path):
        return "elasticsearch"
    suffixes = [suffix.lower() for suffix in PurePath(name_of(path)).suffixes]
    if suffixes and suffixes[-1] in COMPRESSED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes and path != STDIN else None


def is_index(path: str) -> bool:
    """Whether this names an Elasticsearch index."""
    return path.startswith(_INDEX_SCHEMES)


def is_url(path: str) -> bool:
    """Whether this is a URL for fsspec."""
    return "://" in path and not is_index(path)


def name_of(path: str) -> str:
    """The part that ends in the file's name: over HTTP, without the query."""
    return path.partition("?")[0] if path.startswith(("http://", "https://")) else path


def place_of(path: str) -> str:
    """The source as messages and dead letters name it: without passwords and signed queries."""
    scheme, found, rest = name_of(path).partition("://")
    if not found:
        return path
    host, slash, tail = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{tail}"
