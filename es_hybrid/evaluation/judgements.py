"""Judged queries from files: a TSV of queries, and judgements in the TREC form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import EvaluationError

# Query id -> document id -> grade, 0 (judged wrong) upwards.
Qrels = dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Query:
    """One judged query; `lang` is empty where the file has no third column."""

    id: str
    text: str
    lang: str = ""


def read_queries(path: Path) -> list[Query]:
    """Lines of `id<TAB>text[<TAB>language[<TAB>…]]`.

    Raises:
        EvaluationError: with file and line, on a line that is not that, or an id twice.
    """
    queries: dict[str, Query] = {}
    for place, line in _lines(path):
        parts = line.split("\t")
        if len(parts) < 2 or not parts[0] or not parts[1].strip():
            raise EvaluationError(
                "not `id<TAB>text`", place=place, remedy="separate the columns by a tab"
            )
        if parts[0] in queries:
            raise EvaluationError(
                f"the query id {parts[0]} stands here again", place=place, remedy="rename one"
            )
        queries[parts[0]] = Query(parts[0], parts[1], parts[2] if len(parts) > 2 else "")
    return list(queries.values())


def read_qrels(path: Path) -> Qrels:
    """Lines of `query-id 0 document-id grade`, separated by white space.

    Raises:
        EvaluationError: with file and line, on a line that is not that.
    """
    qrels: Qrels = {}
    for place, line in _lines(path):
        parts = line.split()
        if len(parts) != 4 or not parts[3].lstrip("-").isdigit():
            raise EvaluationError(
                "not `query-id 0 document-id grade`",
                place=place,
                remedy="write four columns, the last a whole number",
            )
        qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    return qrels


def answerable(queries: list[Query], qrels: Qrels) -> list[Query]:
    """The queries that have a relevant document: the others give every system the same zero."""
    return [query for query in queries if any(g > 0 for g in qrels.get(query.id, {}).values())]


def _lines(path: Path) -> Iterator[tuple[str, str]]:
    """(`file:line`, text) of each line that is not blank."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise EvaluationError("no such file", place=str(path), remedy="check the path") from None
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(
            f"cannot be read: {error}", place=str(path), remedy="give a text file in UTF-8"
        ) from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            yield f"{path}:{number}", line
