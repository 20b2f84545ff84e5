"""The load: rows -> clean -> skip what is stored -> embed -> write, one end for each row.

The stages are generators pulled from the end (see `flow`): the calling thread reads and cleans,
threads embed and write. All counting happens in the calling thread.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder
from es_hybrid.errors import ElasticsearchError, RowError
from es_hybrid.index.document import to_document, write_vector
from es_hybrid.index.text import embedding_text, text_hash
from es_hybrid.settings import IngestSettings
from ingest.bulk import BulkWriter, Operation, Outcome, encode
from ingest.clean import Cleaner
from ingest.dead_letters import DeadLetters
from ingest.flow import batches, concurrently
from ingest.sources import Row
from ingest.stored import StoredDocuments
from ingest.tally import Tally

T = TypeVar("T")

# Rows looked up at once, and documents in one bulk request.
_CHUNK_ROWS = 500
# If not one of so many documents was taken, the next ones will not be either.
_HOPELESS = 100


@dataclass(frozen=True, slots=True)
class Candidate:
    """A cleaned row on its way.

    Attributes:
        document: What will be stored, less the vector.
        text: What is embedded.
        version: Higher for every later row, also of a later load.
        vector: `[dims]` float32, where the stored one is of the same text.
    """

    row: Row
    id: str
    document: dict[str, Any]
    text: str
    version: int
    vector: NDArray[np.float32] | None = None

    @property
    def text_hash(self) -> str:
        """Of the text, as it stands in the document."""
        return str(self.document["text_hash"])


class Load:
    """One load into one index.

    Args:
        cleaner: Makes products of rows.
        embedder: Of the index's passport.
        writer: Writes into the index.
        stored: Looks documents up in the index; None where it is known to be empty.
        vector_field: Of the index's passport.
        packs_vectors: The cluster reads vectors as base64.
        on_progress: Called now and then, in the calling thread.
    """

    def __init__(
        self,
        *,
        cleaner: Cleaner,
        embedder: Embedder,
        writer: BulkWriter,
        stored: StoredDocuments | None,
        settings: IngestSettings,
        vector_field: str,
        packs_vectors: bool = True,
        dead_letters: DeadLetters,
        on_progress: Callable[[Tally], None] = lambda _: None,
    ) -> None:
        self._cleaner = cleaner
        self._embedder = embedder
        self._writer = writer
        self._stored = stored
        self._settings = settings
        self._vector_field = vector_field
        self._packs_vectors = packs_vectors
        self._dead_letters = dead_letters
        self._on_progress = on_progress
        # A microsecond a row: no load reads a million rows a second, so the versions of a later
        # load are always higher.
        self._first_version = time.time_ns() // 1000
        # Ids that were looked up and whose new version is not stored yet: what is stored of them
        # says nothing about a further row of the same id.
        self._in_flight: Counter[str] = Counter()
        self.tally = Tally()

    def run(self, rows: Iterable[Row]) -> Tally:
        """Load the rows.

        Raises:
            SourceError: a file cannot be read further.
            EmbeddingError: the embedder failed after its own retries.
            ElasticsearchError: the cluster stays away, or refuses everything.
            SettingsError: the dead letters cannot be written.

        Whatever was read before the error is written first, as far as that is possible.
        """
        chunks = self._clocked("read and clean", batches(self._cleaned(rows), count=_CHUNK_ROWS))
        wanted = chain.from_iterable(map(self._changed, chunks))
        to_embed = batches(
            wanted,
            count=_CHUNK_ROWS,
            limit=self._embedder.batch_size,
            weight=lambda candidate: candidate.vector is None,
        )
        embedded = concurrently(
            self._operations, to_embed, threads=self._embedder.concurrency, name="embed"
        )
        requests = batches(
            chain.from_iterable(embedded),
            count=_CHUNK_ROWS,
            limit=self._settings.bulk_bytes,
            weight=lambda operation: len(operation.body),
        )
        answers = concurrently(
            self._send, requests, threads=self._settings.bulk_concurrency, name="bulk"
        )
        for outcomes in answers:
            self._settle(outcomes)
        return self.tally

    def _cleaned(self, rows: Iterable[Row]) -> Iterator[Candidate]:
        settings, tally = self._settings, self.tally
        for row in rows:
            tally.rows += 1
            try:
                product = self._cleaner.clean(row)
            except RowError as problem:
                self._reject(row, problem, stage="read" if row.problem else "clean")
                continue
            text = embedding_text(
                product, template=settings.text_template, max_chars=settings.text_max_chars
            )
            document = to_document(product, text_hash=text_hash(text))
            yield Candidate(row, product.id, document, text, self._first_version + tally.rows)

    def _changed(self, chunk: list[Candidate]) -> list[Candidate]:
        """The rows of a chunk that are not stored as they are; with a vector where one is."""
        self._on_progress(self.tally)
        if self._stored is None:
            return chunk
        with self.tally.timed("look up"):
            stored = self._stored.without_vectors([candidate.id for candidate in chunk])
            changed = [candidate for candidate in chunk if not self._is_stored(candidate, stored)]
            same_text = {
                candidate.id: candidate.text_hash
                for candidate in changed
                if candidate.text_hash == stored.get(candidate.id, {}).get("text_hash")
            }
            vectors = self._stored.vectors(same_text)
        return [
            replace(candidate, vector=vectors.get(candidate.id))
            if candidate.text_hash == same_text.get(candidate.id)
            else candidate
            for candidate in changed
        ]

    def _is_stored(self, candidate: Candidate, stored: Mapping[str, dict[str, Any]]) -> bool:
        """Whether it is stored just so, which ends it; else it is in flight from now on."""
        if candidate.id not in self._in_flight and stored.get(candidate.id) == candidate.document:
            self.tally.unchanged += 1
            return True
        self._in_flight[candidate.id] += 1
        return False

    def _operations(self, batch: list[Candidate]) -> list[Operation]:
        """Embed what has no vector and encode all; in a thread."""
        texts = [candidate.text for candidate in batch if candidate.vector is None]
        with self.tally.timed("embed"):
            vectors = iter(self._embedder.embed_documents(texts))
        operations = []
        for candidate in batch:
            vector = next(vectors) if candidate.vector is None else candidate.vector
            written = write_vector(vector, packed=self._packs_vectors)
            document = candidate.document | {self._vector_field: written}
            body = encode(candidate.id, document, version=candidate.version)
            operations.append(Operation(candidate.id, candidate.row, body))
        return operations

    def _send(self, operations: list[Operation]) -> list[Outcome]:
        with self.tally.timed("bulk"):
            return self._writer.send(operations)

    def _settle(self, outcomes: list[Outcome]) -> None:
        """Count the ends of one bulk request's rows."""
        tally = self.tally
        for outcome in outcomes:
            operation = outcome.operation
            self._in_flight[operation.id] -= 1
            if self._in_flight[operation.id] <= 0:
                del self._in_flight[operation.id]
            if outcome.written:
                tally.created += outcome.created
                tally.updated += not outcome.created
            elif outcome.superseded:
                tally.superseded += 1
            else:
                self._reject(operation.row, _refused(outcome), stage="bulk")
        self._on_progress(tally)
        refused = [outcome for outcome in outcomes if not outcome.written]
        if not tally.written and len(refused) >= _HOPELESS and not refused[0].superseded:
            raise ElasticsearchError(
                f"none of the first {len(refused)} documents was taken: {refused[0].reason}",
                place=f"index {self._writer.index}",
                remedy="look at the index's mapping and blocks, then load again",
            )

    def _reject(self, row: Row, problem: RowError, *, stage: str) -> None:
        self.tally.reject(problem)
        self._dead_letters.write(row, problem, row_id=self._cleaner.row_id(row), stage=stage)

    def _clocked(self, stage: str, items: Iterator[T]) -> Iterator[T]:
        """The items, and the time it takes to make them."""
        while True:
            with self.tally.timed(stage):
                item = next(items, None)
            if item is None:
                return
            yield item


def _refused(outcome: Outcome) -> RowError:
    remedies = {413: "shorten it, or raise http.max_content_length of the cluster"}
    return RowError(
        f"Elasticsearch answered {outcome.status}: {outcome.reason}",
        place=outcome.operation.row.place,
        remedy=remedies.get(
            outcome.status,
            "load it again when the cluster is less busy"
            if outcome.status in (429, 503)
            else "correct the row, or the index's mapping",
        ),
    )


def is_empty(client: Elasticsearch, index: str) -> bool:
    """Whether an index holds no documents, also none that a search cannot see yet."""
    client.indices.refresh(index=index)
    return int(client.count(index=index)["count"]) == 0
