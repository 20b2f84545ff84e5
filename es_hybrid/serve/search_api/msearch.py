"""The lines of a multi-search: a header and a body for each search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

_INDICES = ("index", "indices")


@dataclass(frozen=True, slots=True)
class Search:
    """One search.

    Attributes:
        lines: Header and body as they came, a line break behind each.
        index: Empty for every index.
        along: What the header says besides.
        body: Decoded.
    """

    lines: bytes
    index: str
    along: Mapping[str, str]
    body: Any


def parse_msearch(text: bytes, index: str) -> list[Search]:
    """The searches; none where the lines cannot be read, which Elasticsearch then says.

    Args:
        index: Of the path, for headers that name none.
    """
    lines = text.split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    if len(lines) % 2:
        return []
    try:
        return [_search(lines[at], lines[at + 1], index) for at in range(0, len(lines), 2)]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return []


def _search(header_line: bytes, body_line: bytes, index: str) -> Search:
    header = orjson.loads(header_line) if header_line.strip() else {}
    along = {
        name: _text(value)
        for name, value in header.items()
        if name not in _INDICES and value is not None
    }
    named = header.get("index", header.get("indices"))
    return Search(
        lines=header_line + b"\n" + body_line + b"\n",
        index=index if named is None else _text(named),
        along=along,
        body=orjson.loads(body_line),
    )


def _text(value: Any) -> str:
    """A header's value as the query string has it."""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
