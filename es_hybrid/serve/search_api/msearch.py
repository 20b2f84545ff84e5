"""The searches in the text of a request: one, or the lines of a multi-search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from es_hybrid.retrieval.retriever_dsl.body import understood
from es_hybrid.retrieval.retriever_dsl.rules import has_rules
from es_hybrid.serve.json_text import MAX_CONTAINERS, has_at_most

_INDICES = ("index", "indices")
# Objects and lists in all searches of a request, relative to those in one. Each line is decoded by
# itself, so together they do not hold up other requests.
_MANY = 10


@dataclass(frozen=True, slots=True)
class MsearchItem:
    """One search of a multi-search.

    Attributes:
        lines: Header and body as received, each with its line break.
        index: Empty for all indices.
        names_index: Whether the header names the index, rather than the path.
        rule: The rule of `serve.rewrite` that made it hybrid, if one did.
        forwarded: Further parameters of the header.
        body: The decoded body.
        ours: Whether Elasticsearch cannot answer it.
        ruled: Whether it is so only if the cluster has no query rules.
        size: Bytes of the body.
        template: Whether it was written as a search template.
    """

    lines: bytes
    index: str
    forwarded: Mapping[str, str]
    body: Any
    ours: bool
    size: int
    names_index: bool = False
    template: bool = False
    ruled: bool = False
    rule: str = ""

    def without_hits(self) -> MsearchItem:
        """A search of the same index that finds nothing."""
        header = self.lines.partition(b"\n")[0]
        search = b'{"size":0,"query":{"match_none":{}}}'
        body = b'{"source":%s}' % search if self.template else search
        return replace(self, lines=header + b"\n" + body + b"\n")

    def as_template(self) -> MsearchItem:
        """The same, with a template in place of a search: it has to be rendered first."""
        return replace(self, ours=False, template=True)


def parse_search(text: bytes, index: str) -> list[MsearchItem]:
    """A single search; empty if it is too large, or not JSON, which Elasticsearch reports."""
    if not has_at_most(text, MAX_CONTAINERS):
        return []
    try:
        body = orjson.loads(text)
    except orjson.JSONDecodeError:
        return []
    ours, ruled = reasons_for(body)
    return [MsearchItem(b"", index, {}, body, ours, len(text), ruled=ruled)]


def reasons_for(body: Any) -> tuple[bool, bool]:
    """`ours` and `ruled` of the search with this body."""
    ours = understood(body)
    ruled = not ours and has_rules(body)
    return ours or ruled, ruled


def parse_msearch(text: bytes, index: str) -> list[MsearchItem]:
    """The searches; empty if the lines cannot be parsed, an error that Elasticsearch reports.

    Also empty if one of the searches, or all of them together, have too many objects and lists.

    Args:
        index: Index of the path, for headers that name none.
    """
    if not has_at_most(text, _MANY * MAX_CONTAINERS):
        return []
    lines = text.split(b"\n")
    if not all(has_at_most(line, MAX_CONTAINERS) for line in lines):
        return []
    if lines and not lines[-1].strip():
        lines.pop()
    if len(lines) % 2:
        return []
    try:
        return [_item(lines[at], lines[at + 1], index) for at in range(0, len(lines), 2)]
    except (orjson.JSONDecodeError, AttributeError, TypeError):
        return []


def _item(header_line: bytes, body_line: bytes, index: str) -> MsearchItem:
    header = orjson.loads(header_line) if header_line.strip() else {}
    forwarded = {
        name: _text(value)
        for name, value in header.items()
        if name not in _INDICES and value is not None
    }
    named = header.get("index", header.get("indices"))
    body = orjson.loads(body_line)
    ours, ruled = reasons_for(body)
    return MsearchItem(
        lines=header_line + b"\n" + body_line + b"\n",
        index=index if named is None else _text(named),
        forwarded=forwarded,
        body=body,
        ours=ours,
        ruled=ruled,
        size=len(body_line),
        names_index=named is not None,
    )


def _text(value: Any) -> str:
    """A header's value in the form of the query string."""
    if isinstance(value, list):
        return ",".join(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
