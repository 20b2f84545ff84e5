"""JSON Lines: one object per line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from es_hybrid.errors import SourceError
from ingest.sources.opening import MAX_LINE_BYTES, Line, not_utf8, read_lines
from ingest.sources.source import RAW_CHARS, Row, unreadable

_KINDS = {list: "array", str: "string", int: "number", float: "number", bool: "boolean"}


def lines_as_rows(stream: BinaryIO, place: str) -> Iterator[Row]:
    """A row for each line that is not blank.

    Raises:
        SourceError: there are none, or the first one is not UTF-8.
    """
    empty = True
    for line in read_lines(stream, place):
        if line.content.isspace():
            continue
        if empty:
            _check_first_line(line, place)
            empty = False
        yield json_row(line, f"{place}:{line.number}")
    if empty:
        raise SourceError("the file has no rows", place=place, remedy="check how it was written")


def json_row(line: Line, place: str) -> Row:
    """The row of one object; with a problem if the text is anything else."""
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
            "write one product per line, as an object",
        )
    try:
        duplicate = _duplicate_key(line.content, values)
    except TypeError:  # orjson writes 254 levels; it reads more
        return _rejected(line, place, "nested deeper than 254 levels", "write flat objects")
    if duplicate is not None:
        message = f"the key {duplicate!r} occurs twice in one object"
        return _rejected(line, place, message, "keep one of the two")
    return Row(place, values)


def _duplicate_key(content: bytes, values: dict[str, Any]) -> str | None:
    """A key that an object has twice, of which orjson silently keeps the last.

    Serialized again, the line must have as many quotes as before; this check takes about 4 us a
    row. Only if it does not, or has quotes escaped by number, is the line parsed slowly.
    """
    if orjson.dumps(values).count(b'"') == content.count(b'"') and b"\\u0022" not in content:
        return None
    duplicates: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                duplicates.append(key)
                return
            seen.add(key)

    json.loads(content, object_pairs_hook=look, parse_int=str)
    return duplicates[0] if duplicates else None


def _rejected(line: Line, place: str, message: str, remedy: str) -> Row:
    raw = line.content[: 4 * RAW_CHARS].decode(errors="replace").rstrip("\r\n")
    return unreadable(place, message, remedy=remedy, raw=raw)


def _check_first_line(line: Line, place: str) -> None:
    """The first line shows whether the whole file has another encoding or one line is damaged."""
    try:
        line.content.decode()
    except UnicodeDecodeError as error:
        if not line.cut:
            raise not_utf8(place, line, error) from None
