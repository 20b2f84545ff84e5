"""What a worker needs to process slices: connections, and the rules of the load.

A `WorkerSpec` is sent to the process that does the work; a `Worker` is opened from it there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.client import connect, url_of
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.embedding.resilient import EmbeddedText, NotEmbedded, embed_texts
from es_hybrid.index.document import read_vector, text_hash, to_document, truncated, whole_text
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.cleaning.problems import FieldWarning
from ingest.load.changes import Action, PlannedWrite, PreparedRow, Rules, Stored
from ingest.sources import Row
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, patiently

_FILTER_PATH = "docs._id,docs._version,docs._seq_no,docs._primary_term,docs._source"


@dataclass(frozen=True, slots=True)
class VectorSource:
    """An index whose vectors may be copied instead of embedding the same texts again."""

    index: str
    vector_field: str
    hash_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """What a worker must know; can be sent to another process.

    Attributes:
        fresh: The index was empty when the load began, so nothing is looked up.
        reuse: Where vectors of the same texts may be stored already.
    """

    settings: Settings
    index: str
    rules: Rules
    fresh: bool
    reuse: VectorSource | None = None


class Worker:
    """The steps of `process_slice` that use servers or settings. Safe for threads.

    Args:
        patience: Its `stopped` ends the work after the current batch.
    """

    def __init__(
        self, spec: WorkerSpec, *, client: Elasticsearch, embedder: Embedder, patience: Patience
    ) -> None:
        self.rules = spec.rules
        self.settings: IngestSettings = spec.settings.ingest
        self.cleaner = Cleaner(spec.settings)
        self.embedder = embedder
        self.patience = patience
        self._fresh = spec.fresh
        self._embedding = threading.BoundedSemaphore(embedder.concurrency)
        self.writer = BulkWriter(
            client,
            spec.index,
            place=url_of(client),
            patience=patience,
            limit=AdaptiveLimit(self.settings.bulk_concurrency),
            max_bytes=self.settings.bulk_bytes,
        )
        own = VectorSource(spec.index, self.rules.vector_field, self.rules.hash_field)
        self._stored = StoredDocuments(client, own, patience=patience)
        self._reused = (
            StoredDocuments(client, spec.reuse, patience=patience) if spec.reuse else None
        )

    def prepare(self, row: Row, version: int) -> tuple[PreparedRow, Sequence[FieldWarning]]:
        """A row cleaned, and what was left out of it or altered.

        Args:
            version: The row's version unless the feed has one.

        Raises:
            RowError: the row is unusable.
        """
        product, warnings = self.cleaner.clean(row)
        own_version = self.cleaner.version(row)
        whole = whole_text(product, template=self.settings.text_template)
        text = truncated(whole, self.settings.text_max_chars)
        digest = text_hash(text)
        document = to_document(product, text_hash=digest, hash_field=self.rules.hash_field)
        chosen = version if own_version is None else own_version
        prepared = PreparedRow(row, product.id, document, text, digest, chosen)
        if len(text) < len(whole):
            warnings = (*warnings, _truncation(len(whole)))
        return prepared, warnings

    def plan(self, rows: Sequence[PreparedRow]) -> list[PlannedWrite]:
        """What each row changes, with vectors of the same texts that are stored somewhere."""
        stored = {} if self._fresh else self._stored.documents([row.id for row in rows])
        planned = [self.rules.plan(row, stored.get(row.id)) for row in rows]
        rewritten, new = {}, {}
        for write in planned:
            row = write.row
            if row.vector is not None or write.action is not Action.PUT:
                continue
            if write.same_text and not self.rules.whole_documents:
                rewritten[row.id] = row.text_hash
            elif write.stored is None and self._reused is not None:
                new[row.id] = row.text_hash
        vectors = self._stored.vectors(rewritten)
        if self._reused is not None:
            vectors |= self._reused.vectors(new)
        for write in planned:
            if write.row.id in vectors:
                write.row.vector = vectors[write.row.id]
        return planned

    def embed(self, texts: Sequence[str]) -> list[EmbeddedText | NotEmbedded]:
        """A vector for each text, or a refusal."""
        with self._embedding:
            return embed_texts(self.embedder, texts, self.patience)


def _truncation(chars: int) -> FieldWarning:
    kind = "longer than ingest.text_max_chars, only the beginning is embedded"
    return FieldWarning("text", kind, f"{chars:,} characters")


@contextlib.contextmanager
def open_worker(spec: WorkerSpec) -> Iterator[Worker]:
    """A worker with its own connections."""
    patience = Patience(spec.settings.ingest.max_outage_s)
    with (
        closing(connect(spec.settings.elasticsearch)) as client,
        closing(open_embedder(spec.settings.embedding)) as embedder,
    ):
        yield Worker(spec, client=client, embedder=embedder, patience=patience)


class StoredDocuments:
    """Reads documents by id, including those that searches cannot see yet."""

    def __init__(self, client: Elasticsearch, source: VectorSource, *, patience: Patience) -> None:
        self._client = client.options(max_retries=0, retry_on_status=())
        self._source = source
        self._patience = patience

    def documents(self, ids: Sequence[str]) -> dict[str, Stored]:
        """Id -> document without its vector; absent ids are left out."""
        # Servers before 9.2 return the vector unless it is excluded.
        return {
            doc["_id"]: Stored(
                doc["_source"], doc["_version"], doc["_seq_no"], doc["_primary_term"]
            )
            for doc in self._get(ids, source_excludes=[self._source.vector_field])
        }

    def vectors(self, text_hashes: Mapping[str, str]) -> dict[str, NDArray[np.float32]]:
        """Id -> vector `[dims]` float32 of the documents whose text is unchanged.

        Args:
            text_hashes: Id -> hash that the text must have.
        """
        # Requested by name, since 9.2 the vector is returned as numbers; before, as it was sent.
        vector_field, hash_field = self._source.vector_field, self._source.hash_field
        found = self._get(list(text_hashes), source_includes=[vector_field, hash_field])
        return {
            doc["_id"]: read_vector(vector)
            for doc in found
            if doc["_source"].get(hash_field) == text_hashes[doc["_id"]]
            and (vector := doc["_source"].get(vector_field)) is not None
        }

    def _get(self, ids: Sequence[str], **source: Any) -> list[Mapping[str, Any]]:
        if not ids:
            return []
        answer = patiently(
            lambda: self._client.mget(
                index=self._source.index, ids=list(ids), filter_path=_FILTER_PATH, **source
            ),
            self._patience,
            place=url_of(self._client),
        )
        return [doc for doc in answer["docs"] if "_source" in doc]
