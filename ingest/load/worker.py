"""What a worker holds while it works: connections, and the rules of the load.

A `WorkerSpec` travels to where the work is done; a `Worker` is opened from it there.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.client import connect, resolve_url
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.embedding.resilient import NotEmbedded, embed_texts
from es_hybrid.index.document import embedding_text, text_hash, to_document, whole_text
from es_hybrid.index.passport import HASH_FIELD, Passport
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.load.changes import Candidate, Decision, Rules, Verdict
from ingest.load.stored import StoredDocuments
from ingest.sources import Row
from ingest.writing import AdaptiveLimit, BulkWriter, Patience


@dataclass(frozen=True, slots=True)
class VectorSource:
    """An index whose vectors are as good as embedding anew."""

    index: str
    vector_field: str
    hash_field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSpec:
    """All a worker must know, to be sent to another process.

    Attributes:
        fresh: The index was empty when the load began: nothing needs to be looked up.
        packs_vectors: The cluster reads vectors as base64.
        reuse: Where vectors of the same texts may stand already.
    """

    settings: Settings
    index: str
    passport: Passport
    rules: Rules
    fresh: bool
    packs_vectors: bool
    reuse: VectorSource | None = None


class Worker:
    """Does the parts of `process_shard` that need the outside. Safe for threads.

    Args:
        patience: `stopped` in it ends the work after the batch in hand.
    """

    def __init__(
        self, spec: WorkerSpec, *, client: Elasticsearch, embedder: Embedder, patience: Patience
    ) -> None:
        self.spec = spec
        self.rules = spec.rules
        self.settings: IngestSettings = spec.settings.ingest
        self.cleaner = Cleaner(spec.settings)
        self.embedder = embedder
        self.patience = patience
        self._embedding = threading.BoundedSemaphore(embedder.concurrency)
        place = resolve_url(spec.settings.elasticsearch)
        self.writer = BulkWriter(
            client,
            spec.index,
            place=place,
            patience=patience,
            limit=AdaptiveLimit(self.settings.bulk_concurrency),
        )

        def documents_of(source: VectorSource) -> StoredDocuments:
            return StoredDocuments(
                client,
                source.index,
                vector_field=source.vector_field,
                hash_field=source.hash_field,
                place=place,
                patience=patience,
            )

        own = VectorSource(spec.index, spec.passport.vector_field, spec.passport.hash_field)
        self._stored = documents_of(own)
        self._reused = documents_of(spec.reuse) if spec.reuse else None

    @property
    def stopped(self) -> bool:
        """Nothing more is to be begun."""
        return self.patience.stopped.is_set()

    def candidate(self, row: Row, version: int) -> tuple[Candidate, bool]:
        """A row cleaned, and whether its text was too long to be embedded whole.

        Args:
            version: Unless the feed has one.

        Raises:
            RowError: the row is unusable.
        """
        settings, hash_field = self.settings, self.rules.hash_field
        product = self.cleaner.clean(row)
        own_version = self.cleaner.version(row)
        template, longest = settings.text_template, settings.text_max_chars
        text = whole_text(product, template=template)
        if is_cut := len(text) > longest:
            text = embedding_text(product, template=template, max_chars=longest)
        digest = text_hash(text)
        document = to_document(product, text_hash=digest)
        if hash_field != HASH_FIELD:
            document[hash_field] = document.pop(HASH_FIELD)
        chosen = version if own_version is None else own_version
        return Candidate(row, product.id, document, text, digest, chosen), is_cut

    def decide(self, candidates: Sequence[Candidate]) -> list[Decision]:
        """What each row changes."""
        ids = [] if self.spec.fresh else [candidate.id for candidate in candidates]
        stored = self._stored.documents(ids)
        return [self.rules.decide(candidate, stored.get(candidate.id)) for candidate in candidates]

    def with_known_vectors(self, decisions: Sequence[Decision]) -> list[Decision]:
        """The decisions, with a vector where one of the same text is stored somewhere."""
        rewritten, new = {}, {}
        for decision in decisions:
            candidate = decision.candidate
            if candidate.vector is not None or decision.verdict is not Verdict.PUT:
                continue
            if decision.same_text and not self.rules.whole_documents:
                rewritten[candidate.id] = candidate.text_hash
            elif decision.stored is None and self._reused is not None:
                new[candidate.id] = candidate.text_hash
        vectors = self._stored.vectors(rewritten)
        if self._reused is not None:
            vectors |= self._reused.vectors(new)
        return [
            replace(d, candidate=replace(d.candidate, vector=vectors[d.candidate.id]))
            if d.candidate.id in vectors
            else d
            for d in decisions
        ]

    def embed(self, texts: Sequence[str]) -> list[NDArray[np.float32] | NotEmbedded]:
        """A vector `[dims]` for each text, or a refusal."""
        with self._embedding:
            return embed_texts(self.embedder, texts, self.patience)


@contextlib.contextmanager
def open_worker(spec: WorkerSpec) -> Iterator[Worker]:
    """A worker with connections of its own, as in a process of its own."""
    patience = Patience(spec.settings.ingest.max_outage_s)
    with (
        closing(connect(spec.settings.elasticsearch)) as client,
        closing(open_embedder(spec.settings.embedding)) as embedder,
    ):
        yield Worker(spec, client=client, embedder=embedder, patience=patience)
