"""A reranked list as files, embedded in the page: nothing is written on the server."""

from __future__ import annotations

import base64
import csv
import io
from dataclasses import dataclass

import orjson

from es_hybrid.page.library import Reranked, ScoredText

__all__ = ["File", "files_of"]

# First characters that make a spreadsheet read a text as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_COLUMNS = ("rank", "score", "decision", "language", "text")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A file to save: its name, and a `data:` link with its content."""

    label: str
    name: str
    href: str


def files_of(reranked: Reranked) -> list[File]:
    """The list as CSV, safe to open in a spreadsheet, and as JSON."""
    # With a byte order mark, without which Excel does not recognize UTF-8.
    table = _csv(reranked).encode("utf-8-sig")
    return [
        File(label="CSV", name="rerank.csv", href=_link("text/csv", table)),
        File(label="JSON", name="rerank.json", href=_link("application/json", _json(reranked))),
    ]


def _csv(reranked: Reranked) -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(_COLUMNS)
    for candidate in reranked.candidates:
        writer.writerow([_safe(value) for value in _row(candidate).values()])
    return out.getvalue()


def _json(reranked: Reranked) -> bytes:
    body = {
        "query": reranked.query,
        "milliseconds": round(reranked.milliseconds, 1),
        "misfit": reranked.misfit,
        "results": [_row(candidate) for candidate in reranked.candidates],
    }
    return orjson.dumps(body, option=orjson.OPT_INDENT_2)


def _row(candidate: ScoredText) -> dict[str, object]:
    return {name: getattr(candidate, name) for name in _COLUMNS}


def _safe(value: object) -> object:
    """Put an apostrophe, which spreadsheets hide, in front of a text that would be a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _link(kind: str, content: bytes) -> str:
    return f"data:{kind};charset=utf-8;base64,{base64.b64encode(content).decode()}"
