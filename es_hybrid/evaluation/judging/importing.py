"""Write judgements as `queries.tsv` and `qrels.txt`."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import LLM, Query, qrels_line, query_line
from es_hybrid.evaluation.judging.formats.rated import RatedPair, Reject
from es_hybrid.evaluation.judging.grades import GradeMap
from es_hybrid.evaluation.judging.temporary import temporary_database
from es_hybrid.files import replacing

_PAIRS = (
    "pairs (query INTEGER, id TEXT, grade INTEGER, llm INTEGER, PRIMARY KEY (query, id)) "
    "WITHOUT ROWID"
)


@dataclass(slots=True)
class ImportTally:
    """What became of the judgements of an import.

    Attributes:
        grades: Grade -> number of pairs.
        by_llm: Those of them that only an LLM judged.
        repeated: Pairs that occurred again with the same grade.
        rejected: Lines and pairs that could not be used.
    """

    queries: int = 0
    grades: Counter[int] = field(default_factory=Counter)
    by_llm: int = 0
    repeated: int = 0
    rejected: int = 0


def import_judgements(
    pairs: Iterable[RatedPair],
    grades: GradeMap,
    *,
    queries: Path,
    qrels: Path,
    reject: Reject,
) -> ImportTally:
    """Grade the pairs and write both files, each at once and only at the end.

    A query without an id gets `q1`, `q2`, … by the order of the texts. Judgements are kept in a
    temporary file, so memory grows with the number of queries only. A pair judged by a person and
    by an LLM counts as the person's.

    Args:
        reject: Called with every pair that cannot be used; the pairs' reader takes the same.

    Raises:
        EvaluationError: no pair is usable, or a file exists already.
    """
    for path in (queries, qrels):
        if path.exists():
            raise EvaluationError(
                "exists already", place=str(path), remedy="remove it, or name another file"
            )
    tally = ImportTally()
    with temporary_database(_PAIRS) as database:
        store = _Collected(database)
        for pair in pairs:
            try:
                _add(pair, grades, store, tally)
            except ValueError as error:
                reject(
                    EvaluationError(
                        str(error), place=pair.place, remedy="correct the line, or set --grades"
                    )
                )
        if not store.queries:
            raise EvaluationError(
                "no judgement is usable",
                place=str(qrels),
                remedy="check the format and the files",
            )
        tally.queries = len(store.queries)
        _write(store, queries, qrels, tally)
    return tally


@dataclass(slots=True)
class _Collected:
    """Queries by their key (the id, or the text), and the judgements in SQLite."""

    database: sqlite3.Connection
    queries: dict[str, tuple[int, Query]] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)

    def number_of(self, pair: RatedPair) -> int:
        text = " ".join(pair.query.split())
        key = f"id {pair.query_id}" if pair.query_id else f"text {text}"
        if key in self.queries:
            return self.queries[key][0]
        number = len(self.queries) + 1
        id_ = pair.query_id or self._free_id(number)
        if not text or id_ != "".join(id_.split()):
            raise ValueError(f"query {id_!r} has no text, or white space in its id")
        self.ids.add(id_)
        self.queries[key] = number, Query(id_, text, pair.lang)
        return number

    def _free_id(self, number: int) -> str:
        while f"q{number}" in self.ids:
            number += 1
        return f"q{number}"


def _add(pair: RatedPair, grades: GradeMap, store: _Collected, tally: ImportTally) -> None:
    """Store one pair.

    Raises:
        ValueError: it cannot be used; says why.
    """
    if not pair.id or pair.id != "".join(pair.id.split()):
        raise ValueError(f"{pair.id!r} is no document id for qrels: it has white space or is empty")
    grade, number = grades.grade(pair.rating), store.number_of(pair)
    found = store.database.execute(
        "SELECT grade, llm FROM pairs WHERE query = ? AND id = ?", (number, pair.id)
    ).fetchone()
    if found and not found[1] and pair.by_llm:
        return
    if found and found[1] == pair.by_llm:
        if found[0] != grade:
            raise ValueError(f"{pair.id} has grade {grade} here and {found[0]} before")
        tally.repeated += 1
        return
    store.database.execute(
        "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?)", (number, pair.id, grade, pair.by_llm)
    )


def _write(store: _Collected, queries: Path, qrels: Path, tally: ImportTally) -> None:
    by_number = dict(store.queries.values())
    stored = store.database.execute("SELECT query, id, grade, llm FROM pairs ORDER BY query, id")
    with replacing(qrels) as file:
        for number, id_, grade, llm in stored:
            tally.grades[grade] += 1
            tally.by_llm += llm
            line = qrels_line(by_number[number].id, id_, grade, origin=LLM if llm else "0")
            file.write(line.encode())
    with replacing(queries) as file:
        for query in by_number.values():
            file.write(query_line(query).encode())
