"""JSON Lines: one object a line."""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from es_hybrid.errors import RowError, SourceError
from ingest.sources import Row
from ingest.sources.lines import MAX_LINE_BYTES, Line, not_utf8, read_lines
from ingest.sources.opening import opened

# What a dead letter keeps of a line that is no JSON.
_RAW_CHARS = 2000


def read_jsonl(path: str) -> Iterator[Row]:
    """The objects of the file. A line that is none is a row with a problem; blank ones are passed.

    Raises:
        SourceError: the file cannot be read, has no rows, or its first line is not UTF-8.
    """
    empty = True
    with opened(path) as stream:
        for line in read_lines(stream, path):
            if line.content.isspace():
                continue
            if empty:
                _check_first_line(line, path)
                empty = False
            yield _row(line, f"{path}:{line.number}")
    if empty:
        raise SourceError("the file has no rows", place=path, remedy="check how it was written")


def _row(line: Line, place: str) -> Row:
    if line.cut:
        return _rejected(
            line, place, f"the line is longer than {MAX_LINE_BYTES:,} bytes", "check its end"
        )
    try:
        values = orjson.loads(line.content)
    except orjson.JSONDecodeError as error:
        return _rejected(line, place, f"not JSON: {error}", "correct the line")
    if not isinstance(values, dict):
        return _rejected(
            line,
            place,
            f"the line is a JSON {_KINDS.get(type(values), 'value')}, not an object",
            "write one product a line, as an object",
        )
    return Row(place, values)


_KINDS = {list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


def _rejected(line: Line, place: str, message: str, remedy: str) -> Row:
    raw = line.content[: 4 * _RAW_CHARS].decode(errors="replace").rstrip("\r\n")[:_RAW_CHARS]
    return Row(place, problem=RowError(message, place=place, remedy=remedy), raw=raw)


def _check_first_line(line: Line, path: str) -> None:
    """A file of another encoding is told from a single damaged line by its first one."""
    try:
        line.content.decode()
    except UnicodeDecodeError as error:
        if not line.cut:
            raise not_utf8(path, line, error) from None
