"""Contenders of the ingest benchmark that run in this process."""

from __future__ import annotations

import contextlib
import gc
import itertools
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk, streaming_bulk

from benchmarks.rows import LookupEmbedder, made_documents
from es_hybrid.embedding import Embedder
from es_hybrid.garbage import collect_rarely
from es_hybrid.index.document import read_vector
from es_hybrid.index.passport import HASH_FIELD
from es_hybrid.settings import Settings
from ingest.load.changes import Rules
from ingest.load.run import LoadRun, LocalRunner
from ingest.load.slices import cut
from ingest.load.worker import Worker, WorkerSpec
from ingest.record.dead_letters import DeadLetters
from ingest.record.error_budget import ErrorBudget
from ingest.record.ledger import Ledger, LoadFacts
from ingest.sources import open_rows
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, index_operation
from ingest.writing.flow import batches, concurrently

INDEX = "bench-ingest"
_PATIENCE = Patience(600.0)
_SLICE_ROWS = 500


@dataclass(frozen=True)
class Bench:
    """What all contenders share.

    Attributes:
        source: JSONL with the rows.
        documents: (id, prebuilt document with packed vector) of each row.
    """

    client: Elasticsearch
    settings: Settings
    embedder: LookupEmbedder
    source: Path
    documents: list[tuple[str, dict[str, Any]]]

    def ingest(self, embedder: Embedder | None = None, limit: int | None = None) -> None:
        """A whole load as the command runs it, with its ledger and its dead letters on the disk."""
        rules = Rules(
            vector_field=self.settings.index.vector_field,
            hash_field=HASH_FIELD,
            packs_vectors=True,
        )
        spec = WorkerSpec(settings=self.settings, index=INDEX, rules=rules, fresh=True)
        embedder = embedder or self.embedder
        worker = Worker(spec, client=self.client, embedder=embedder, patience=_PATIENCE)
        rows = itertools.islice(open_rows(str(self.source), "jsonl"), limit)
        ledger_file = self.source.with_name("load.sqlite")
        ledger_file.unlink(missing_ok=True)
        with (
            _collecting_rarely(),
            closing(LocalRunner(worker)) as runner,
            Ledger.create(ledger_file, self._facts(), dead_letters_bytes=0) as ledger,
        ):
            first_size = min(embedder.batch_size, _SLICE_ROWS)
            load = LoadRun()
            load.process(
                cut(rows, source=0, first_version=1, size=_SLICE_ROWS, first_size=first_size),
                runner=runner,
                ledger=ledger,
                dead_letters=DeadLetters(self.source.with_name("dead.jsonl"), index=INDEX),
                budget=ErrorBudget(worker.settings),
                row_id=worker.cleaner.row_id,
            )
        tally = load.tally
        if tally.created != tally.rows:
            raise RuntimeError(
                f"only {tally.created} of {tally.rows} rows created: {tally.reasons}"
            )

    def _facts(self) -> LoadFacts:
        return LoadFacts(
            index=INDEX,
            kind="load",
            started=0.0,
            version=1,
            sources=(),
            shaping={},
            mapping={},
            dead_letters="dead.jsonl",
            delete_missing=False,
            reuse_vectors_from=None,
            slice_rows=_SLICE_ROWS,
            first_rows=_SLICE_ROWS,
        )

    def writer(self) -> None:
        """The bulk writer alone."""
        ingest = self.settings.ingest
        limit = AdaptiveLimit(ingest.bulk_concurrency)
        writer = BulkWriter(
            self.client,
            INDEX,
            place="node",
            patience=_PATIENCE,
            limit=limit,
            max_bytes=ingest.bulk_bytes,
        )
        operations = (
            index_operation(id_, document, version=number)
            for number, (id_, document) in enumerate(self.documents, start=1)
        )
        requests = batches(operations, count=500)
        for outcomes in concurrently(
            writer.send, requests, threads=ingest.bulk_concurrency, name="bulk"
        ):
            if not all(outcome.written for outcome in outcomes):
                raise RuntimeError(outcomes)

    def streaming(self) -> None:
        """`helpers.streaming_bulk` with prebuilt documents."""
        deque(streaming_bulk(self.client, _actions(self.documents), chunk_size=500), maxlen=0)

    def parallel(self, threads: int, documents: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """`helpers.parallel_bulk`."""
        results = parallel_bulk(
            self.client, _actions(documents), thread_count=threads, chunk_size=500
        )
        deque(results, maxlen=0)

    def from_rows(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Documents, built lazily from the rows of the file."""
        return made_documents(self.settings, self.source, self.embedder)

    def with_lists(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """The prebuilt documents with their vectors as lists of numbers."""
        field = self.settings.index.vector_field
        for id_, document in self.documents:
            yield id_, document | {field: read_vector(document[field]).tolist()}


@contextlib.contextmanager
def _collecting_rarely() -> Iterator[None]:
    """As in the command's process, and only as long as it is ours."""
    before = gc.get_threshold()
    collect_rarely()
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _actions(documents: Iterable[tuple[str, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    return ({"_index": INDEX, "_id": id_, "_source": document} for id_, document in documents)
