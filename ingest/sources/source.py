"""Sources and rows: what a source's name shows, and what a row contains."""

from __future__ import annotations

import re
import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any, Literal, NamedTuple, get_args
from unicodedata import category

from es_hybrid.errors import RowError, SourceError

Format = Literal[
    "jsonl", "json", "csv", "tsv", "xlsx", "xml", "parquet",
    "shopify", "woocommerce", "magento", "google", "elasticsearch",
]  # fmt: skip

# The values of --format; an index is recognized by its scheme.
FILE_FORMATS = tuple(name for name in get_args(Format) if name != "elasticsearch")

STDIN = "-"

_SUFFIXES: dict[str, Format] = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".csv": "csv",
    ".tsv": "tsv",
    ".tab": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".xml": "xml",
    ".parquet": "parquet",
    ".pq": "parquet",
}
# What cannot be read but is often tried.
_OTHER_SUFFIXES = (".xls", ".xlsb", ".ods", ".numbers")
_COMPRESSED = (".gz", ".zst")
_INDEX_SCHEMES = ("es://", "es+http://", "es+https://")
_MEMBER = re.compile(r"(.+?\.zip)!(.+)", re.IGNORECASE | re.DOTALL)
_PEEK_BYTES = 1024 * 1024
# Characters of an unreadable row that its dead letter keeps.
RAW_CHARS = 2000


class Source(NamedTuple):
    """One source of rows.

    Attributes:
        path: A file, `archive.zip!member`, a URL that fsspec supports, `es://INDEX`, or `-`.
    """

    path: str
    format: Format


@dataclass(frozen=True, slots=True)
class Row:
    """One row as its source contains it.

    Attributes:
        place: `file:line`, or `file:row N` in Parquet; counted from 1.
        values: Column or key -> value; empty if the row cannot be read.
        problem: Why the row cannot be read.
        raw: The beginning of the text of an unreadable row.
        skipped: Why the row intentionally makes no product, in a few words that are the same for
            all such rows, e.g. `draft`. Such a row is counted and not cleaned.
    """

    place: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: RowError | None = None
    raw: str = ""
    skipped: str = ""


class Location(NamedTuple):
    """The parts of a source's path.

    Attributes:
        place: The source as messages name it.
        file: The file to open: the archive, if `member` is not empty.
        remote: Whether `file` is a URL.
        member: The name of the file in the archive.
        compression: `gz`, `zst` or an empty string.
    """

    place: str
    file: str
    remote: bool
    member: str
    compression: str


def guess_format(path: str) -> Format:
    """The format that the source's name shows.

    Raises:
        SourceError: the name shows none.
    """
    found = known_format(path)
    if found is None and path.lower().endswith(_OTHER_SUFFIXES):
        raise SourceError(
            "this kind of spreadsheet cannot be read",
            place=place_of(path),
            remedy="save it as XLSX or as CSV (UTF-8)",
        )
    if found is None:
        raise SourceError(
            "standard input has no name that shows the format"
            if path == STDIN
            else "the name does not show the format",
            place=place_of(path),
            remedy="set --format " + "|".join(FILE_FORMATS),
        )
    return found


def known_format(path: str) -> Format | None:
    """The format that the source's name shows, or None."""
    if is_index(path):
        return "elasticsearch"
    suffixes = [suffix.lower() for suffix in PurePath(name_of(path)).suffixes]
    if suffixes and suffixes[-1] in _COMPRESSED:
        suffixes.pop()
    return _SUFFIXES.get(suffixes[-1]) if suffixes and path != STDIN else None


def is_index(path: str) -> bool:
    """Whether this names an Elasticsearch index."""
    return path.startswith(_INDEX_SCHEMES)


def is_url(path: str) -> bool:
    """Whether this is a URL for fsspec."""
    return "://" in path and not is_index(path)


def is_archive(path: str) -> bool:
    """Whether the name is that of a ZIP archive."""
    return name_of(path).lower().endswith(".zip")


def locate(path: str) -> Location:
    """Split a source's path, e.g. `a.zip!b.csv.gz` into `a.zip`, `b.csv.gz` and `gz`."""
    found = _MEMBER.fullmatch(path)
    file, member = (found[1], found[2]) if found else (path, "")
    name = (member or name_of(path)).lower()
    compression = name.rpartition(".")[2] if name.endswith(_COMPRESSED) else ""
    return Location(place_of(path), file, is_url(file), member, compression)


def name_of(path: str) -> str:
    """The part that ends in the file's name: over HTTP, without the query string."""
    return path.partition("?")[0] if path.startswith(("http://", "https://")) else path


def place_of(path: str) -> str:
    """The source as messages and dead letters name it.

    Without passwords and signed queries, and as `shown`.
    """
    scheme, found, rest = name_of(path).partition("://")
    if not found:
        return shown(path)
    host, slash, tail = rest.partition("/")
    return shown(f"{scheme}://{host.rpartition('@')[2]}{slash}{tail}")


def shown(name: str) -> str:
    """A name that someone else chose, with escapes for what could control a terminal."""
    if name.isprintable():
        return name
    return "".join(
        char if char.isprintable() or category(char) == "Zs" else ascii(char)[1:-1] for char in name
    )


def can_be_read_again(path: str) -> bool:
    """Whether reading the source now leaves its rows for later: false for pipes."""
    if path == STDIN:
        return False
    if is_url(path) or is_index(path):
        return True
    try:
        mode = Path(path).stat().st_mode
    except (OSError, ValueError):
        return True
    return stat.S_ISREG(mode) or stat.S_ISDIR(mode)


def estimated_rows(source: Source) -> int | None:
    """The number of rows, without reading them all; None if it cannot be estimated.

    Exact for Parquet; where rows are lines, estimated from the length of the first ones.
    """
    path = Path(source.path)
    if not path.is_file():
        return None
    if source.format == "parquet":
        from pyarrow import parquet

        return int(parquet.read_metadata(path).num_rows)
    if source.format in ("json", "xlsx", "xml") or locate(source.path).compression:
        return None
    with path.open("rb") as file:
        head = file.read(_PEEK_BYTES)
    lines = head.count(b"\n") or 1
    if source.format != "jsonl":
        lines -= lines > 1  # the header
    return max(round(path.stat().st_size / len(head) * lines), 1) if head else 0


def value_at(value: Any, path: str) -> Any:
    """The value at a dotted path inside objects, e.g. `price.amount`; None if there is none.

    A key that contains the dots itself comes first. Of a list of objects, the values in all of
    them.
    """
    if isinstance(value, list):
        found = [inside for item in value if (inside := value_at(item, path)) is not None]
        return found or None
    if not isinstance(value, Mapping):
        return None
    if path in value:
        return value[path]
    head, dot, rest = path.partition(".")
    return value_at(value[head], rest) if dot and head in value else None


def unreadable(place: str, message: str, *, remedy: str, raw: str) -> Row:
    """A row that becomes a dead letter. Its text may contain lone surrogates."""
    text = raw[:RAW_CHARS].encode(errors="surrogateescape").decode(errors="replace")
    return Row(place, problem=RowError(message, place=place, remedy=remedy), raw=text)


def require_columns(
    place: str, found: Sequence[str], required: Sequence[str], wanted: Sequence[str]
) -> None:
    """Check the columns of a table.

    Raises:
        SourceError: a required column is missing, or one that is read has the name of another.
    """
    counts = Counter(found)
    duplicates = sorted({name for name in (*required, *wanted) if counts[name] > 1})
    if duplicates:
        raise SourceError(
            f"two columns have the same name: {', '.join(map(repr, duplicates))}",
            place=place,
            remedy="rename one of them in the file",
        )
    missing = [name for name in required if name not in counts]
    if missing:
        shown = ", ".join(map(repr, found[:30])) + (", …" if len(found) > 30 else "")
        raise SourceError(
            f"no column {' and no column '.join(map(repr, missing))}; it has {shown}",
            place=place,
            remedy="name the column: --map id=COLUMN, or ingest.fields in the settings "
            "(`es-hybrid ingest map` proposes them)",
        )
