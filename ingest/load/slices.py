"""One slice from rows to verdicts: clean, look up, plan, embed, write. Knows no other slice.

The same function runs in a thread of `ingest load` and in an actor on another machine. It writes
an embedded batch before it embeds the next one: a killed worker loses one batch, and what is
written is found unchanged when the slice is processed again.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from es_hybrid.embedding.resilient import NotEmbedded
from es_hybrid.errors import EsHybridError, RowError, SourceError
from ingest.load.changes import Action, PlannedWrite, PreparedRow
from ingest.load.worker import Worker
from ingest.record.dead_letters import DeadLetter
from ingest.record.error_budget import Streak
from ingest.record.result import NOT_TAKEN, SliceKey, SliceResult
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import Outcome

# Attempts to write a document that other writers keep changing.
_ATTEMPTS = 5


@dataclass(frozen=True, slots=True)
class Slice:
    """Consecutive rows of one source.

    Attributes:
        versions: One per row, ascending.
        whole: False if the source could not be read further: next time the slice may have more
            rows.
    """

    key: SliceKey
    rows: Sequence[Row]
    versions: Sequence[int]
    whole: bool = True


def cut(
    rows: Iterator[Row], *, source: int, first_version: int, size: int, first_size: int
) -> Iterator[Slice]:
    """Cut the rows of one source into slices.

    Args:
        first_version: Version of the first row; each later row has the next one.
        first_size: Rows of the first slice.

    Raises:
        SourceError: the source cannot be read further; the rows before the error are yielded
            first, as a slice that is not `whole`.
    """
    number, version = 0, first_version
    while True:
        taken: list[Row] = []
        problem: SourceError | None = None
        try:
            for row in islice(rows, size if number else first_size):
                taken.append(row)
        except SourceError as error:
            problem = error
        if taken:
            versions = range(version, version + len(taken))
            yield Slice(SliceKey(source, number), tuple(taken), versions, whole=problem is None)
            number, version = number + 1, version + len(taken)
        if problem is not None:
            raise problem
        if not taken:
            return


def process_slice(worker: Worker, slice_: Slice) -> SliceResult:
    """Bring every row of a slice to its verdict, as far as possible.

    Never raises an `EsHybridError`: the result holds it, with what was done before it.
    """
    work = _Work(worker, slice_)
    result = work.result
    try:
        work.run()
    except EsHybridError as error:
        result.error = error
    else:
        result.complete = slice_.whole and result.tally.ended == result.tally.rows
    result.outages = worker.patience.log.take()
    return result


class _Work:
    """A slice in progress."""

    def __init__(self, worker: Worker, slice_: Slice) -> None:
        self._worker = worker
        self._slice = slice_
        self._refusals = Streak(worker.settings.max_rejected_in_a_row)
        self.result = SliceResult(key=slice_.key, tally=Tally(rows=len(slice_.rows)))
        self._tally = self.result.tally

    def run(self) -> None:
        with self._timed("clean"):
            rows = self._prepared()
        for _ in range(_ATTEMPTS):
            rows = self._attempted(rows)
            if not rows:
                return
        for row in rows:
            reason = "other writers kept changing the document"
            remedy = "load the row again when they have finished"
            self._reject(row, reason, remedy=remedy, stage="bulk")

    def _prepared(self) -> list[PreparedRow]:
        """The usable rows; of several rows of one product the newest, at the first one's place."""
        newest: dict[str, PreparedRow] = {}
        unusable = Streak(self._worker.settings.max_rejected_in_a_row)
        for row, version in zip(self._slice.rows, self._slice.versions, strict=True):
            if row.skipped:
                self._tally.skipped += 1
                self._tally.remarks.add(f"skipped: {row.skipped}", row.place)
                continue
            try:
                prepared, warnings = self._worker.prepare(row, version)
            except RowError as problem:
                stage = "read" if row.problem else "clean"
                self._set_aside(row, problem, version=version, stage=stage)
                unusable.rejected(str(problem))
                continue
            unusable.length = 0
            for warning in warnings:
                self._tally.remarks.add(warning.name, f"{row.place}: {warning.message}")
            other = newest.get(prepared.id)
            if other is not None:
                self._tally.superseded += 1
                self._tally.repeat(prepared.id)
            if other is None or prepared.version >= other.version:
                newest[prepared.id] = prepared
        return list(newest.values())

    def _attempted(self, rows: list[PreparedRow]) -> list[PreparedRow]:
        """Write what changed; returns the rows whose documents changed meanwhile."""
        with self._timed("look up"):
            planned = self._worker.plan(rows)
        writes = [write for write in planned if self._is_to_write(write)]
        to_embed = [write for write in writes if _needs_embedding(write)]
        again = self._written([write for write in writes if not _needs_embedding(write)])
        size = self._worker.embedder.batch_size
        for start in range(0, len(to_embed), size):
            if self._worker.patience.stopped.is_set():
                return []
            again += self._written(self._embedded(to_embed[start : start + size]))
        return again

    def _is_to_write(self, planned: PlannedWrite) -> bool:
        """Count a row that needs no write."""
        if planned.action is Action.UNCHANGED:
            self._tally.unchanged += 1
        elif planned.action is Action.SUPERSEDED:
            self._tally.superseded += 1
        else:
            return True
        self.result.ids[planned.row.id] = planned.row.version
        return False

    def _embedded(self, batch: list[PlannedWrite]) -> list[PlannedWrite]:
        with self._timed("embed"):
            results = self._worker.embed([write.row.text for write in batch])
        embedded = []
        for write, result in zip(batch, results, strict=True):
            if isinstance(result, NotEmbedded):
                self._refuse(
                    write.row,
                    f"its text is not embedded: {result.reason}",
                    remedy="correct or shorten the texts of the row",
                    stage="embed",
                )
            else:
                write.row.vector = result.vector
                embedded.append(write)
                self._tally.embedded += 1
                if result.is_cut:
                    self._tally.remarks.add(
                        _CUT_BY_SERVER, f"{write.row.row.place}: {write.row.id!r}"
                    )
        return embedded

    def _written(self, planned: Sequence[PlannedWrite]) -> list[PreparedRow]:
        """Write; returns the rows whose documents changed meanwhile."""
        if not planned:
            return []
        operations = [self._worker.rules.operation(write) for write in planned]
        with self._timed("bulk"):
            outcomes = self._worker.writer.send(operations)
        return [outcome.operation.tag for outcome in outcomes if not self._has_verdict(outcome)]

    def _has_verdict(self, outcome: Outcome) -> bool:
        """Count the verdict on a row, unless its document changed after it was read."""
        row: PreparedRow = outcome.operation.tag
        if outcome.conflict or outcome.missing:
            return False
        if outcome.written:
            self._tally.created += outcome.created
            self._tally.updated += not outcome.created
        elif outcome.superseded:
            self._tally.superseded += 1
        else:
            remedy = _REMEDIES.get(outcome.status, "correct the row, or the index's mapping")
            reason = f"Elasticsearch answered {outcome.status}: {outcome.reason}"
            self._refuse(row, reason, remedy=remedy, stage="bulk")
            return True
        self._refusals.length = 0
        self.result.ids[row.id] = row.version
        return True

    def _refuse(self, row: PreparedRow, reason: str, *, remedy: str, stage: str) -> None:
        """Reject a row that a server refuses; too many in a row are an error."""
        self._reject(row, reason, remedy=remedy, stage=stage)
        self._refusals.rejected(reason)

    def _reject(self, row: PreparedRow, reason: str, *, remedy: str, stage: str) -> None:
        problem = self._worker.cleaner.problem(row.row, reason, remedy=remedy)
        self._set_aside(row.row, problem, version=row.version, stage=stage)

    def _set_aside(self, row: Row, problem: RowError, *, version: int, stage: str) -> None:
        row_id = self._worker.cleaner.row_id(row)
        self._tally.reject(problem)
        self.result.letters.append(DeadLetter(row, problem, row_id, stage, version))
        if row_id:
            self.result.ids.setdefault(row_id, NOT_TAKEN)
        else:
            self.result.unnamed += 1

    @contextlib.contextmanager
    def _timed(self, stage: str) -> Iterator[None]:
        """Add the time that the block takes to a stage."""
        start = time.perf_counter()
        try:
            yield
        finally:
            seconds = self._tally.seconds
            seconds[stage] = seconds.get(stage, 0.0) + time.perf_counter() - start


_CUT_BY_SERVER = "text: longer than the embedding server takes, only the beginning is embedded"
_REMEDIES = {413: "shorten it, or raise http.max_content_length of the cluster"}


def _needs_embedding(planned: PlannedWrite) -> bool:
    if planned.row.vector is not None:
        return False
    return planned.action is Action.PUT or not planned.same_text
