"""Read judged queries from files: a TSV of queries, and judgements in TREC format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import EvaluationError

# Query id -> document id -> grade; 0 or less is irrelevant.
Qrels = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Query:
    """One query.

    Attributes:
        lang: Third column of the file, or empty.
        kind: Fourth column, such as a class of queries, or empty.
    """

    id: str
    text: str
    lang: str = ""
    kind: str = ""


def read_queries(path: Path) -> list[Query]:
    """Read lines of `id<TAB>text[<TAB>language[<TAB>class[<TAB>…]]]`.

    Raises:
        EvaluationError: a line has another form, or an id occurs twice; names file and line.
    """
    queries: dict[str, Query] = {}
    for place, line in _lines(path):
        parts = line.split("\t")
        if len(parts) < 2 or not parts[0] or not parts[1].strip():
            raise EvaluationError(
                "not `id<TAB>text`", place=place, remedy="separate the columns with a tab"
            )
        if parts[0] in queries:
            raise EvaluationError(
                f"duplicate query id {parts[0]}", place=place, remedy="rename one of them"
            )
        queries[parts[0]] = Query(*parts[:4])
    return list(queries.values())


def read_qrels(path: Path) -> Qrels:
    """Read lines of `query-id 0 document-id grade`, separated by white space.

    Raises:
        EvaluationError: a line has another form; names file and line.
    """
    qrels: Qrels = {}
    for place, line in _lines(path):
        parts = line.split()
        if len(parts) != 4 or not parts[3].lstrip("-").isdigit():
            raise EvaluationError(
                "not `query-id 0 document-id grade`",
                place=place,
                remedy="write four columns, the last one a whole number",
            )
        qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    return qrels


def read_judged(queries: Path, qrels: Path) -> tuple[list[Query], Qrels]:
    """Read both files; returns only the queries with a relevant document.

    Raises:
        EvaluationError: as in `read_queries` and `read_qrels`, or no query is left.
    """
    judged = read_qrels(qrels)
    return judged_queries(read_queries(queries), judged, place=str(queries)), judged


def judged_queries(queries: list[Query], qrels: Qrels, *, place: str) -> list[Query]:
    """The queries with a relevant document.

    Args:
        place: The file to name if there are none.

    Raises:
        EvaluationError: there are none.
    """
    found = answerable(queries, qrels)
    if not found:
        raise EvaluationError(
            "no query has a relevant product",
            place=place,
            remedy="use the same query ids for queries and judgements",
        )
    return found


def answerable(queries: list[Query], qrels: Qrels) -> list[Query]:
    """The queries with a relevant document; every system scores zero on the others."""
    return [query for query in queries if any(g > 0 for g in qrels.get(query.id, {}).values())]


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """(`file:line`, text) of each non-blank line."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise EvaluationError("no such file", place=str(path), remedy="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", place=str(path), remedy="use a text file in UTF-8"
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{path}:{number}", line
