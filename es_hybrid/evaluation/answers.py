"""Answers to compare: of a search, or a snapshot of them in a file."""

from __future__ import annotations

import json
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import StageHit, refuse_degraded
from es_hybrid.files import replacing, writable
from es_hybrid.search import HybridSearch


class AnswerSource(Protocol):
    """Answers queries."""

    def answer(self, query: Query) -> Sequence[StageHit]:
        """The hits of a query, best first.

        Raises:
            EsHybridError: there is no answer.
        """


@dataclass(frozen=True, slots=True)
class LiveAnswers:
    """The answers of a search, as shoppers get them.

    Attributes:
        size: Hits to request.
        rerank: Whether to use the reranker of the search, if it has one.
    """

    search: HybridSearch
    size: int
    rerank: bool = True

    def answer(self, query: Query) -> Sequence[StageHit]:
        """See `AnswerSource`; refuses degraded answers."""
        # No deadline: compare the order, not the speed of the machine.
        response = self.search.search(query.text, rerank=self.rerank, size=self.size, timeout_ms=0)
        refuse_degraded(response, query)
        return [StageHit(hit.id, hit.score, hit.product.title) for hit in response.hits]


class Snapshot:
    """Answers stored by `write_snapshot`: one JSON object a line.

    Only the place of each query in the file is held in memory.

    Attributes:
        queries: The queries of the file, in its order.
    """

    def __init__(self, path: Path) -> None:
        """Read the queries.

        Raises:
            EvaluationError: the file cannot be read; names file and line.
        """
        self._path = path
        self._lines: dict[str, int] = {}
        self._starts = array("q")
        self.queries: list[Query] = []
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise EvaluationError(
                f"cannot be read: {error.strerror}", place=str(path), remedy="check the path"
            ) from None
        try:
            self._read_queries()
        except BaseException:
            self._file.close()
            raise

    def answer(self, query: Query) -> Sequence[StageHit]:
        """See `AnswerSource`.

        Raises:
            EvaluationError: the file has no such query, or has it with another text.
        """
        number = self._lines.get(query.id)
        if number is None:
            raise EvaluationError(
                f"no answer to query {query.id}",
                place=str(self._path),
                remedy="make snapshots of the same queries",
            )
        self._file.seek(self._starts[number - 1])
        stored, hits = self._parsed(number, self._file.readline())
        if stored.text != query.text:
            raise EvaluationError(
                f"query {query.id} is {stored.text!r} here and {query.text!r} elsewhere",
                place=f"{self._path}:{number}",
                remedy="make snapshots of the same queries",
            )
        return hits

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _read_queries(self) -> None:
        start = 0
        for number, line in enumerate(self._file, 1):
            self._starts.append(start)
            start += len(line)
            if not line.strip():
                continue
            query, _ = self._parsed(number, line)
            if query.id in self._lines:
                raise EvaluationError(
                    f"duplicate query id {query.id}",
                    place=f"{self._path}:{number}",
                    remedy="make the snapshot again",
                )
            self._lines[query.id] = number
            self.queries.append(query)
        if not self.queries:
            raise EvaluationError(
                "no answers", place=str(self._path), remedy="make the snapshot again"
            )

    def _parsed(self, number: int, line: bytes) -> tuple[Query, list[StageHit]]:
        try:
            entry = json.loads(line)
            query = Query(*(_text(entry[name]) for name in ("id", "text", "lang", "class")))
            return query, [StageHit(_text(i), float(s), _text(t)) for i, s, t in entry["hits"]]
        except (ValueError, KeyError, TypeError):
            raise EvaluationError(
                "not an answer of a snapshot",
                place=f"{self._path}:{number}",
                remedy="make the snapshot again with `es-hybrid eval snapshot`",
            ) from None


def write_snapshot(
    path: Path,
    source: AnswerSource,
    queries: Sequence[Query],
    *,
    done: Callable[[], None] = lambda: None,
) -> None:
    """Store the answers to queries; an existing file is replaced at the end, whole.

    Raises:
        StorageError: the file cannot be written.
        EsHybridError: as `AnswerSource.answer`.
    """
    with writable(path, remedy="choose another file"), replacing(path) as file:
        for line in _lines(source, queries):
            file.write(line.encode())
            done()


def _lines(source: AnswerSource, queries: Sequence[Query]) -> Iterator[str]:
    for query in queries:
        entry: dict[str, Any] = {"id": query.id, "text": query.text}
        entry |= {"lang": query.lang, "class": query.kind}
        entry["hits"] = [list(hit) for hit in source.answer(query)]
        yield json.dumps(entry, ensure_ascii=False) + "\n"


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value
