"""Decodes the JSON of callers, whose cost they choose.

A megabyte of `[[],[],…` makes 350,000 lists. While orjson makes them it holds the interpreter's
lock, and the garbage collector visits them again and again: 0.2 s in which no other request is
served. So objects and lists are counted before.
"""

from __future__ import annotations

import re
from typing import Any

import orjson

from es_hybrid.errors import RequestRefused

__all__ = ["MAX_CONTAINERS", "check_depth", "decoded", "has_at_most"]

# Objects and lists in a search. Elasticsearch's limit for the clauses of a query is lower.
MAX_CONTAINERS = 20_000
_CONTAINERS = b"[{"
_NESTED = frozenset((dict, list))
_VALUES = b"[{,"
# A string, also one that the text cuts off, or a sign that begins a value.
_TOKEN = re.compile(rb'"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|([\[{,])', re.DOTALL)


def has_at_most(text: bytes, limit: int, *, signs: bytes = _CONTAINERS) -> bool:
    """Whether JSON has at most so many objects and lists.

    Args:
        signs: What is counted; outside strings.
    """
    if sum(text.count(sign) for sign in signs) <= limit:  # strings included, but fast
        return True
    found = (match[1] in signs for match in _TOKEN.finditer(text) if match[1])
    count = 0
    for counts in found:
        count += counts
        if count > limit:
            return False
    return True


def decoded(text: bytes, *, max_values: int, max_depth: int) -> Any:
    """The JSON of a request to one of es-hybrid's own endpoints.

    Raises:
        JSONDecodeError: it is not JSON, or a string has a lone surrogate.
        RequestRefused: it has too many values, or is nested too deep.
    """
    if not has_at_most(text, max_values, signs=_VALUES):
        raise RequestRefused(f"the body has more than {max_values} values")
    content = orjson.loads(text)
    check_depth(content, max_depth)
    return content


def check_depth(content: Any, limit: int) -> None:
    """Refuse JSON that is nested deeper than `limit` levels.

    Raises:
        RequestRefused: with Elasticsearch's type of error.
    """
    level = [content] if isinstance(content, dict | list) else []
    for _ in range(limit):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if type(child) in _NESTED  # far faster than isinstance for the numbers of a vector
        ]
        if not level:
            return
    raise RequestRefused(
        f"the search is nested deeper than {limit} levels (serve.max_depth)",
        type="x_content_parse_exception",
    )
