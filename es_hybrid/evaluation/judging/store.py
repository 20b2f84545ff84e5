"""The judgements of people and of an LLM, in a file that only grows.

One JSON object a line. The last line about a pair by a judge counts; one without a grade undoes
the judgement. Several judges, threads and processes can write at once.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import orjson
from pydantic import TypeAdapter

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.items import items
from es_hybrid.evaluation.judging.pool import PoolItem
from es_hybrid.evaluation.judging.scale import HIGHEST
from es_hybrid.files import drop_half_line, locked_for_appending, sync, writable

_LLM = "llm:"
_REMEDY = "check the folder of judge.judgements"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a judge thinks of a product for a query.

    Attributes:
        grade: 0 to `HIGHEST`; None undoes the judge's judgement.
        by: The judge's name; an LLM's begins with `llm:`.
        time: ISO 8601, UTC.
    """

    query_id: str
    query: str
    id: str
    grade: int | None
    by: str
    lang: str = ""
    note: str = ""
    time: str = ""

    @property
    def pair(self) -> tuple[str, str]:
        """(query id, document id)."""
        return self.query_id, self.id

    @property
    def by_llm(self) -> bool:
        """Whether an LLM judged."""
        return self.by.startswith(_LLM)


# Pair -> judge -> judgement.
Judged = Mapping[tuple[str, str], Mapping[str, Judgement]]

_JUDGEMENT = TypeAdapter(Judgement)


def llm_name(model: str) -> str:
    """The name of an LLM as a judge."""
    return f"{_LLM}{model}"


class JudgementStore:
    """Reads and writes a file of judgements; safe for several threads and processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Judged:
        """All judgements that count, in the order of their pairs; none if there is no file yet.

        Raises:
            EvaluationError: a line is no judgement; names file and line.
        """
        found: defaultdict[tuple[str, str], dict[str, Judgement]] = defaultdict(dict)
        for judgement in self._lines() if self.path.exists() else ():
            if judgement.grade is None:
                found[judgement.pair].pop(judgement.by, None)
            else:
                found[judgement.pair][judgement.by] = judgement
        return {pair: by_judge for pair, by_judge in found.items() if by_judge}

    def judge(self, item: PoolItem, grade: int, by: str, note: str = "") -> Judgement:
        """Append a judgement; it is on disk when this returns.

        Args:
            grade: 0 to `HIGHEST`.
            by: The judge's name; not blank, and not an LLM's.

        Raises:
            EvaluationError: no such grade, or no name.
            StorageError: the file cannot be written.
        """
        if by.strip().startswith(_LLM):
            raise EvaluationError(
                f"{by!r} is the name of an LLM", place="by", remedy="use a person's name"
            )
        return self.append(item, grade, by, note)

    def undo(self, judgement: Judgement) -> None:
        """Take back a judgement. Its line stays in the file, and one without a grade follows.

        Raises:
            StorageError: the file cannot be written.
        """
        self._write(_stamped(judgement, grade=None, note=""))

    def append(self, item: PoolItem, grade: int, by: str, note: str = "") -> Judgement:
        """As `judge`, also for an LLM."""
        if not by.strip():
            raise EvaluationError("a judgement needs a name", place="by", remedy="set the name")
        if not 0 <= grade <= HIGHEST:
            raise EvaluationError(
                f"no grade {grade}", place="grade", remedy=f"give a grade from 0 to {HIGHEST}"
            )
        judgement = Judgement(
            query_id=item.query_id, query=item.query, id=item.id, grade=grade, by=by.strip(),
            lang=item.lang,
        )  # fmt: skip
        judgement = _stamped(judgement, grade=grade, note=" ".join(note.split()))
        self._write(judgement)
        return judgement

    def _lines(self) -> Iterator[Judgement]:
        yield from items(
            self.path, _JUDGEMENT, what="judgement", remedy="correct or remove the line"
        )

    def _write(self, judgement: Judgement) -> None:
        with writable(self.path, remedy=_REMEDY), locked_for_appending(self.path) as file:
            drop_half_line(file)  # it was not reported as saved
            file.write(orjson.dumps(judgement) + b"\n")
            sync(file)


def grades_of(by_judge: Mapping[str, Judgement], *, llm: bool) -> list[int]:
    """The grades by people, or by LLMs, ascending."""
    return sorted(
        judgement.grade
        for judgement in by_judge.values()
        if judgement.by_llm == llm and judgement.grade is not None
    )


def judges_of(judged: Iterable[Mapping[str, Judgement]]) -> list[str]:
    """The names of all judges, sorted."""
    return sorted({name for by_judge in judged for name in by_judge})


def _stamped(judgement: Judgement, *, grade: int | None, note: str) -> Judgement:
    time = datetime.now(UTC).isoformat(timespec="seconds")
    return Judgement(
        query_id=judgement.query_id, query=judgement.query, id=judgement.id, lang=judgement.lang,
        by=judgement.by, grade=grade, note=note, time=time,
    )  # fmt: skip
