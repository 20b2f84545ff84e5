"""Read judged queries from files: a TSV of queries, and judgements in TREC format."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import EvaluationError

# Query id -> document id -> grade; 0 or less is irrelevant.
Qrels = dict[str, dict[str, int]]

LLM = "llm"
"""Second column of a judgement that only an LLM made. TREC's tools ignore this column."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query; `lang` is empty if the file has no third column."""

    id: str
    text: str
    lang: str = ""


def read_queries(path: Path) -> list[Query]:
    """Read lines of `id<TAB>text[<TAB>language[<TAB>…]]`.

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
        queries[parts[0]] = Query(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
    return list(queries.values())


def read_qrels(path: Path, *, with_llm: bool = False) -> Qrels:
    """Read lines of `query-id 0 document-id grade`, separated by white space.

    Args:
        with_llm: Whether to read judgements that only an LLM made: `query-id llm …`.

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
        if with_llm or parts[1] != LLM:
            qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    return qrels


def count_llm(path: Path) -> int:
    """Number of judgements in a file that only an LLM made.

    Raises:
        EvaluationError: as in `read_qrels`.
    """
    return sum(line.split()[1:2] == [LLM] for _, line in _lines(path))


def query_line(query: Query) -> str:
    """The query as `read_queries` reads it."""
    return "\t".join(filter(None, (query.id, query.text, query.lang))) + "\n"


def qrels_line(query_id: str, id_: str, grade: int, *, origin: str = "0") -> str:
    """The judgement as `read_qrels` reads it.

    Args:
        origin: `0`, or `LLM`.
    """
    return f"{query_id} {origin} {id_} {grade}\n"


def read_judged(queries: Path, qrels: Path) -> tuple[list[Query], Qrels]:
    """Read both files; returns only the queries with a relevant document.

    Raises:
        EvaluationError: as in `read_queries` and `read_qrels`, or no query is left.
    """
    judged = read_qrels(qrels)
    found = answerable(read_queries(queries), judged)
    if not found:
        raise EvaluationError(
            "no query has a relevant product",
            place=str(queries),
            remedy=f"use the query ids of {qrels}",
        )
    return found, judged


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
