"""One shard from rows to ends: clean, look up, decide, embed, write. Knows no other shard.

The same function runs in a thread of `ingest load` and in an actor on another machine. It writes
an embedded batch before it embeds the next one: a worker that is killed loses one batch, and what
is written is found unchanged when the shard is done again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple

from es_hybrid.embedding.resilient import NotEmbedded
from es_hybrid.errors import EsHybridError, RowError, SourceError
from es_hybrid.index.document import write_vector
from ingest.load.changes import Candidate, Decision, Verdict
from ingest.load.worker import Worker
from ingest.record.dead_letters import DeadLetter
from ingest.record.error_budget import Streak
from ingest.record.tally import Tally
from ingest.sources import Row
from ingest.writing import Operation, Outcome, index_operation, update_operation
from ingest.writing.flow import batches

# How often a document that others keep changing is read again.
_ATTEMPTS = 5
# Documents in one request, of those that need no embedding.
_REQUEST_ROWS = 500
# The version of an id none of whose rows was taken.
NOT_TAKEN = -1


class ShardKey(NamedTuple):
    """Which shard: the position of its source, and its own in there; both from 0."""

    source: int
    number: int


@dataclass(frozen=True, slots=True)
class Shard:
    """Consecutive rows of one source.

    Attributes:
        versions: One a row, each higher than the one before.
        whole: False for the rows before a place where the source could not be read further:
            another time there may be more of them.
    """

    key: ShardKey
    rows: Sequence[Row]
    versions: Sequence[int]
    whole: bool = True


@dataclass(slots=True, kw_only=True)
class ShardResult:
    """What became of a shard.

    Attributes:
        ids: Id -> version of the row that was taken, or `NOT_TAKEN`.
        unnamed: Rejected rows that do not say which product they are of.
        error: Why it could not go on.
    """

    shard: ShardKey
    whole: bool
    tally: Tally
    ids: dict[str, int] = field(default_factory=dict)
    unnamed: int = 0
    letters: list[DeadLetter] = field(default_factory=list)
    error: EsHybridError | None = None

    @property
    def complete(self) -> bool:
        """Every row of it reached its end."""
        return self.whole and self.error is None and self.tally.ended == self.tally.rows


def cut(
    rows: Iterator[Row], *, source: int, first_version: int, size: int, first_size: int
) -> Iterator[Shard]:
    """Cut the rows of one source into shards.

    Args:
        first_version: Of the first row; each further one has the next.
        first_size: Rows of the first shard.

    Raises:
        SourceError: the rows' own; what was read before it comes out first, as a shard that is
            not `whole`.
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
            yield Shard(ShardKey(source, number), tuple(taken), versions, whole=problem is None)
            number, version = number + 1, version + len(taken)
        if problem is not None:
            raise problem
        if not taken:
            return


def process_shard(worker: Worker, shard: Shard) -> ShardResult:
    """Bring every row of a shard to its end, as far as that is possible.

    Never raises an `EsHybridError`: what was done until then counts, so it stands in the result.
    """
    work = _Work(worker, shard)
    try:
        work.run()
    except EsHybridError as error:
        work.result.error = error
    return work.result


class _Work:
    """A shard while it is worked on."""

    def __init__(self, worker: Worker, shard: Shard) -> None:
        self._worker = worker
        self._shard = shard
        self._refusals = Streak(worker.settings.max_rejected_in_a_row)
        self.result = ShardResult(
            shard=shard.key, whole=shard.whole, tally=Tally(rows=len(shard.rows))
        )
        self._tally = self.result.tally

    def run(self) -> None:
        with self._tally.timed("clean"):
            candidates = self._cleaned()
        for _ in range(_ATTEMPTS):
            candidates = self._attempted(candidates)
            if not candidates:
                return
        for candidate in candidates:
            reason = "other writers kept changing the document"
            remedy = "load the row again when they are done"
            self._reject(candidate, reason, remedy=remedy, stage="bulk")

    def _cleaned(self) -> list[Candidate]:
        """The usable rows; of several of one product the newest, in its place."""
        newest: dict[str, Candidate] = {}
        bad = Streak(self._worker.settings.max_rejected_in_a_row)
        for row, version in zip(self._shard.rows, self._shard.versions, strict=True):
            try:
                candidate, is_cut = self._worker.candidate(row, version)
            except RowError as problem:
                stage = "read" if row.problem else "clean"
                self._set_aside(row, problem, version=version, stage=stage)
                bad.rejected(str(problem))
                continue
            bad.taken()
            self._tally.cut += is_cut
            other = newest.get(candidate.id)
            if other is not None:
                self._tally.superseded += 1
            if other is None or candidate.version >= other.version:
                newest[candidate.id] = candidate
        return list(newest.values())

    def _attempted(self, candidates: list[Candidate]) -> list[Candidate]:
        """Write what is to be written; the rows whose documents changed meanwhile."""
        again: list[Candidate] = []
        decisions = self._decided(candidates)
        ready = [d for d in decisions if not _needs_embedding(d)]
        again += self._written(ready)
        to_embed = filter(_needs_embedding, decisions)
        for batch in batches(to_embed, count=self._worker.embedder.batch_size):
            if self._worker.stopped:
                return []
            again += self._written(self._embedded(batch))
        return again

    def _decided(self, candidates: list[Candidate]) -> list[Decision]:
        """What is left to write, with the vectors that are known."""
        with self._tally.timed("look up"):
            decisions = self._worker.decide(candidates)
            open_ = [decision for decision in decisions if self._is_open(decision)]
            return self._worker.with_known_vectors(open_)

    def _is_open(self, decision: Decision) -> bool:
        """Count a row that needs no writing."""
        if decision.verdict is Verdict.UNCHANGED:
            self._tally.unchanged += 1
        elif decision.verdict is Verdict.SUPERSEDED:
            self._tally.superseded += 1
        else:
            return True
        self.result.ids[decision.candidate.id] = decision.candidate.version
        return False

    def _embedded(self, batch: list[Decision]) -> list[Decision]:
        with self._tally.timed("embed"):
            vectors = self._worker.embed([decision.candidate.text for decision in batch])
        embedded = []
        for decision, vector in zip(batch, vectors, strict=True):
            if isinstance(vector, NotEmbedded):
                self._refuse(
                    decision.candidate,
                    f"its text is not embedded: {vector.reason}",
                    remedy="correct or shorten the texts of the row",
                    stage="embed",
                )
            else:
                candidate = replace(decision.candidate, vector=vector)
                embedded.append(replace(decision, candidate=candidate))
                self._tally.embedded += 1
        return embedded

    def _written(self, decisions: Iterable[Decision]) -> list[Candidate]:
        """Write; the rows whose documents changed meanwhile."""
        again: list[Candidate] = []
        requests = batches(
            map(self._operation, decisions),
            count=_REQUEST_ROWS,
            limit=self._worker.settings.bulk_bytes,
            weight=lambda operation: len(operation.body),
        )
        for operations in requests:
            with self._tally.timed("bulk"):
                outcomes = self._worker.writer.send(operations)
            again += [outcome.operation.tag for outcome in outcomes if not self._is_end(outcome)]
        return again

    def _operation(self, decision: Decision) -> Operation:
        worker, candidate, stored = self._worker, decision.candidate, decision.stored
        vector: dict[str, Any] = {}
        if candidate.vector is not None:
            packed = write_vector(candidate.vector, packed=worker.spec.packs_vectors)
            vector = {worker.spec.passport.vector_field: packed}
        if decision.verdict is Verdict.PATCH and stored is not None:
            return update_operation(
                candidate.id,
                worker.rules.patch(candidate, stored) | vector,
                if_seq_no=stored.seq_no,
                if_primary_term=stored.primary_term,
                tag=candidate,
            )
        document = worker.rules.whole(candidate, stored) | vector
        return index_operation(candidate.id, document, version=candidate.version, tag=candidate)

    def _is_end(self, outcome: Outcome) -> bool:
        """Count how a row ended, unless its document changed since it was read."""
        candidate: Candidate = outcome.operation.tag
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
            self._refuse(candidate, reason, remedy=remedy, stage="bulk")
            return True
        self._refusals.taken()
        self.result.ids[candidate.id] = candidate.version
        return True

    def _refuse(self, candidate: Candidate, reason: str, *, remedy: str, stage: str) -> None:
        """Reject, and stop where that happens again and again."""
        self._reject(candidate, reason, remedy=remedy, stage=stage)
        self._refusals.rejected(reason)

    def _reject(self, candidate: Candidate, reason: str, *, remedy: str, stage: str) -> None:
        problem = self._worker.cleaner.problem(candidate.row, reason, remedy=remedy)
        self._set_aside(candidate.row, problem, version=candidate.version, stage=stage)

    def _set_aside(self, row: Row, problem: RowError, *, version: int, stage: str) -> None:
        row_id = self._worker.cleaner.row_id(row)
        self._tally.reject(problem)
        self.result.letters.append(DeadLetter(row, problem, row_id, stage, version))
        if row_id:
            self.result.ids.setdefault(row_id, NOT_TAKEN)
        else:
            self.result.unnamed += 1


_REMEDIES = {413: "shorten it, or raise http.max_content_length of the cluster"}


def _needs_embedding(decision: Decision) -> bool:
    if decision.candidate.vector is not None:
        return False
    return decision.verdict is Verdict.PUT or not decision.same_text
