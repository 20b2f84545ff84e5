"""JSON and JSON Lines: which of the two a file contains, whatever its name shows."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator
from typing import Any

import orjson

from ingest.sources.encoding import as_utf8
from ingest.sources.json_array import array_as_rows
from ingest.sources.jsonl import lines_as_rows
from ingest.sources.opening import head_of, opened
from ingest.sources.recognizing import check_kind
from ingest.sources.source import Format, Row, locate

_BOM = b"\xef\xbb\xbf"
_ARRAY = re.compile(rb"\s*(?:\[\s*\{|\{[ \t\r]*\n\s*\")")


def read_json(
    path: str, file_format: Format, *, say: Callable[[str], None] = lambda _: None
) -> Generator[Row, None, None]:
    """The objects of the lines, or of an array.

    Anything else in their place is a row with a problem.

    Args:
        file_format: `jsonl` or `json`; a file of the other kind is read as what it is.
        say: Called with a line about what is not as usual, such as the encoding.

    Raises:
        SourceError: the file cannot be read, has no rows, is not UTF-8, UTF-16 or UTF-32, or ends
            inside its array.
    """
    where = locate(path)
    place = where.place
    with opened(where) as stream:
        check_kind(stream, place, may_be="json")
        text = as_utf8(stream, place, say)
        head = head_of(text).removeprefix(_BOM)
        has_lines = not _is_array(head) if file_format == "jsonl" else _has_lines(head)
        if has_lines != (file_format == "jsonl"):
            say(f"{place}: read as JSON Lines" if has_lines else f"{place}: read as a JSON array")
        yield from lines_as_rows(text, place) if has_lines else array_as_rows(text, place)


def _is_array(head: bytes) -> bool:
    """Whether a text begins like an array of objects, or an object over several lines."""
    return _ARRAY.match(head) is not None


def _has_lines(head: bytes) -> bool:
    """Whether a text that begins like this has one object per line, rather than an array.

    A single line is one if no value in it is an array of objects.
    """
    first, _, rest = head.lstrip().partition(b"\n")
    try:
        values = orjson.loads(first)
    except orjson.JSONDecodeError:
        return False
    if not isinstance(values, dict):
        return False
    return rest.lstrip().startswith(b"{") or not any(map(_holds_objects, values.values()))


def _holds_objects(value: Any) -> bool:
    """Whether this is an array of objects, or an object that contains one."""
    if isinstance(value, dict):
        return any(map(_holds_objects, value.values()))
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)
