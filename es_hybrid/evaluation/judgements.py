"""Read judged queries from files: a TSV of queries, and judgements in TREC format."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.text import lines

# Query id -> document id -> grade; 0 or less is irrelevant.
Qrels = dict[str, dict[str, int]]

_WHOLE = re.compile(r"-?[0-9]+")

LLM = "llm"
"""Second column of a judgement that only an LLM made. TREC's tools ignore this column."""


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
        EvaluationError: a line has another form, or an id occurs twice; names each by line.
    """
    queries: dict[str, Query] = {}
    bad: list[EvaluationError] = []
    for place, line in lines(path, bad.append):
        parts = line.split("\t")
        if len(parts) < 2 or not parts[0] or not parts[1].strip():
            bad.append(
                EvaluationError(
                    "not `id<TAB>text`", place=place, remedy="separate the columns with a tab"
                )
            )
            continue
        if parts[0] in queries:
            bad.append(
                EvaluationError(
                    f"duplicate query id {parts[0]}", place=place, remedy="rename one of them"
                )
            )
        queries[parts[0]] = Query(*parts[:4])
    _refuse(bad, path)
    return list(queries.values())


def read_qrels(path: Path, *, with_llm: bool = False) -> Qrels:
    """Read lines of `query-id 0 document-id grade`, separated by white space.

    Args:
        with_llm: Whether to read judgements that only an LLM made: `query-id llm …`.

    Raises:
        EvaluationError: a line has another form; names each by line.
    """
    qrels: Qrels = {}
    bad: list[EvaluationError] = []
    for place, line in lines(path, bad.append):
        parts = line.split()
        if len(parts) != 4 or not _WHOLE.fullmatch(parts[3]):
            bad.append(
                EvaluationError(
                    "not `query-id 0 document-id grade`",
                    place=place,
                    remedy="write four columns, the last one a whole number",
                )
            )
        elif with_llm or parts[1] != LLM:
            qrels.setdefault(parts[0], {})[parts[2]] = int(parts[3])
    _refuse(bad, path)
    return qrels


def count_llm(path: Path) -> int:
    """Number of judgements in a file that only an LLM made.

    Raises:
        EvaluationError: the file cannot be read.
    """
    return sum(line.split()[1:2] == [LLM] for _, line in lines(path, lambda error: None))


def query_line(query: Query) -> str:
    """The query as `read_queries` reads it."""
    return "\t".join(filter(None, (query.id, query.text, query.lang))) + "\n"


def qrels_line(query_id: str, id_: str, grade: int, *, origin: str = "0") -> str:
    """The judgement as `read_qrels` reads it.

    Args:
        origin: `0`, or `LLM`.
    """
    return f"{query_id} {origin} {id_} {grade}\n"


def read_judged(queries: Path, qrels: Path, *, with_llm: bool = False) -> tuple[list[Query], Qrels]:
    """Read both files; returns only the queries with a relevant document.

    Args:
        with_llm: As in `read_qrels`.

    Raises:
        EvaluationError: as in `read_queries` and `read_qrels`, or no query is left.
    """
    judged = read_qrels(qrels, with_llm=with_llm)
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


def _refuse(bad: list[EvaluationError], path: Path) -> None:
    """Raise one error for all lines that cannot be used, if there are any."""
    if len(bad) == 1:
        raise bad[0]
    if bad:
        raise EvaluationError(
            f"{len(bad)} lines cannot be used\n" + "\n".join(map(str, bad)), place=str(path)
        )
