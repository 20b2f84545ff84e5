"""The scans of a backfill: find stale documents, embed and update them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from es_hybrid.cleaning import LoneSurrogate
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.resilient import NotEmbedded, embed_texts
from es_hybrid.errors import RowError
from es_hybrid.index.document import embedded_text, product_of, text_hash, write_vector
from es_hybrid.index.passport import Passport
from es_hybrid.waiting import Patience
from ingest.backfill.rate import TokenBucket
from ingest.backfill.scan import Scan, ScannedDocument
from ingest.record.dead_letters import DeadLetter, DeadLetters
from ingest.record.error_budget import Streak
from ingest.record.tally import BackfillTally
from ingest.sources import Row
from ingest.writing import BulkWriter, Operation, Outcome, update_operation
from ingest.writing.flow import batches, concurrently

# A shop that writes continuously has always changed something since the last scan.
_SCANS = 10


@dataclass(frozen=True, slots=True)
class Stale:
    """A document whose vector is missing, or of an old text."""

    document: ScannedDocument
    text: str


class Fill:
    """One backfill of one index.

    Args:
        packs_vectors: The cluster reads vectors as base64.
        concurrency: Batches in progress at once.
        rate: Documents filled per second at most; None for no limit.
        patience: How long servers may be unavailable; its `stopped` ends after the current batches.
        dead_letters: For documents that have no text or whose text is refused.
        reported: (id, seq_no) of the dead letters of earlier backfills.
        max_rejected_in_a_row: Abort after this many consecutive documents without a text.
    """

    def __init__(
        self,
        *,
        index: str,
        passport: Passport,
        embedder: Embedder,
        writer: BulkWriter,
        packs_vectors: bool,
        concurrency: int,
        rate: float | None,
        patience: Patience,
        dead_letters: DeadLetters,
        reported: Collection[tuple[str, int]],
        max_rejected_in_a_row: int | None,
        on_progress: Callable[[BackfillTally], None],
    ) -> None:
        self._index = index
        self._passport = passport
        self._embedder = embedder
        self._writer = writer
        self._packs_vectors = packs_vectors
        self._concurrency = concurrency
        self._bucket = TokenBucket(rate, patience.stopped)
        self._patience = patience
        self._dead_letters = dead_letters
        self._reported = reported
        self._streak = Streak(max_rejected_in_a_row)
        self._stopped = patience.stopped
        self._on_progress = on_progress
        # Id -> seq_no of a rejected document: it is not tried again until it changes.
        self._rejected: dict[str, int] = {}
        self.tally = BackfillTally()

    def run(self, scan: Scan, refresh: Callable[[], object]) -> None:
        """Scan until there is nothing to fill, or until stopped.

        Args:
            refresh: Makes written documents visible to a scan.

        Raises:
            Outage: a server stays unavailable.
            ElasticsearchError, EmbeddingError: a server refuses every request.
            TooManyRejected: the documents have no text in the mapped fields.
        """
        while self.tally.scans < _SCANS and not self._stopped.is_set():
            refresh()
            if self._scanned(scan):
                self.tally.complete = not self._stopped.is_set()
                return

    def _scanned(self, scan: Scan) -> bool:
        """Fill what one scan finds; True if it read every document and found none to fill."""
        tally = self.tally
        tally.scans += 1
        tally.scanned = found = 0
        stale = batches(self._stale(scan), count=self._embedder.batch_size)
        threads = self._concurrency
        for outcomes in concurrently(
            self._filled, self._paced(stale), threads=threads, name="fill"
        ):
            found += len(outcomes)
            self._settle(outcomes)
            self._on_progress(tally)
        return scan.complete and not found

    def _stale(self, scan: Iterable[ScannedDocument]) -> Iterator[Stale]:
        for document in scan:
            if self._stopped.is_set():
                return
            self.tally.scanned += 1
            if self._rejected.get(document.id) == document.seq_no:
                continue
            try:
                text = self._text(document)
            except RowError as problem:
                self._reject(document, problem, stage="clean")
                self._streak.rejected(str(problem))
                continue
            self._streak.length = 0
            fresh = document.source.get(self._passport.hash_field) == text_hash(text)
            if not (fresh and document.has_vector):
                yield Stale(document, text)

    def _text(self, document: ScannedDocument) -> str:
        """The text to embed.

        Raises:
            RowError: it has none.
        """
        try:
            product = product_of(self._passport, document.id, document.source)
        except LoneSurrogate as error:
            raise self._problem(document, str(error), "write it as valid Unicode") from None
        if not product.title:
            raise self._problem(document, "no title", "add a title, or correct ingest.fields.title")
        return embedded_text(self._passport, product)

    def _paced(self, stale: Iterator[list[Stale]]) -> Iterator[list[Stale]]:
        for batch in stale:
            self._bucket.take(len(batch))
            yield batch

    def _filled(self, batch: list[Stale]) -> list[Outcome | tuple[ScannedDocument, RowError]]:
        """Embed and write a batch, in a thread. One outcome for each document."""
        texts = [stale.text for stale in batch]
        results = embed_texts(self._embedder, texts, self._patience)
        refused: list[Outcome | tuple[ScannedDocument, RowError]] = []
        operations: list[Operation] = []
        for stale, result in zip(batch, results, strict=True):
            if isinstance(result, NotEmbedded):
                problem = self._problem(
                    stale.document, result.reason, "shorten or correct its text"
                )
                refused.append((stale.document, problem))
                continue
            patch = {
                self._passport.vector_field: write_vector(
                    result.vector, packed=self._packs_vectors
                ),
                self._passport.hash_field: text_hash(stale.text),
            }
            operations.append(
                update_operation(
                    stale.document.id,
                    patch,
                    if_seq_no=stale.document.seq_no,
                    if_primary_term=stale.document.primary_term,
                    routing=stale.document.routing,
                    tag=stale.document,
                )
            )
        return [*refused, *(self._writer.send(operations) if operations else [])]

    def _settle(self, outcomes: list[Outcome | tuple[ScannedDocument, RowError]]) -> None:
        tally = self.tally
        for outcome in outcomes:
            if isinstance(outcome, tuple):
                self._reject(*outcome, stage="embed")
            elif outcome.written:
                tally.filled += 1
            elif outcome.conflict:
                tally.changed += 1
            elif outcome.missing:
                tally.gone += 1
            else:
                reason = f"Elasticsearch answered {outcome.status}: {outcome.reason}"
                document: ScannedDocument = outcome.operation.tag
                remedy = "correct the document, or the index's mapping"
                self._reject(document, self._problem(document, reason, remedy), stage="bulk")

    def _reject(self, document: ScannedDocument, problem: RowError, *, stage: str) -> None:
        self._rejected[document.id] = document.seq_no
        self.tally.reject(problem)
        if (document.id, document.seq_no) in self._reported:
            return
        row = Row(place=problem.place, values=document.source)
        self._dead_letters.append([DeadLetter(row, problem, document.id, stage, document.seq_no)])

    def _problem(self, document: ScannedDocument, message: str, remedy: str) -> RowError:
        return RowError(message, place=f"{self._index}/{document.id}", remedy=remedy)
