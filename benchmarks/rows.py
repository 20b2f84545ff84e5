"""Rows for the ingest benchmark, their documents, and precomputed vectors."""

from __future__ import annotations

import itertools
import json
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch.helpers import pack_dense_vector
from numpy.typing import NDArray

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.index.document import embedding_text, text_hash, to_document
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import open_rows
from training.data import CHORUS, SAMPLE

DIMS = 512


class LookupEmbedder:
    """Returns one of `count` seeded vectors, chosen by the text's checksum."""

    concurrency = 1
    identity = EmbedderIdentity("known-vectors", "", DIMS, "")

    def __init__(self, count: int, *, batch_size: int = 64) -> None:
        self.batch_size = batch_size
        vectors = np.random.default_rng(1).standard_normal((count, DIMS)).astype(np.float32)
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[n]` texts -> `[n, 512]` float32."""
        rows = [zlib.crc32(text.encode()) % len(self._vectors) for text in texts]
        found: NDArray[np.float32] = self._vectors[rows]
        return found

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """`[512]` float32."""
        vector: NDArray[np.float32] = self.embed_documents([text])[0]
        return vector

    def close(self) -> None:
        """Nothing to close."""


def source_rows(count: int) -> Iterator[dict[str, Any]]:
    """`count` rows with unique ids, the catalogue repeated as needed."""
    products = (CHORUS if CHORUS.exists() else SAMPLE) / "products.jsonl"
    rows = [json.loads(line) for line in products.read_bytes().splitlines()]
    for number, row in enumerate(itertools.islice(itertools.cycle(rows), count)):
        yield row | {"id": f"{row['id']}-{number // len(rows)}"}


def made_documents(
    settings: Settings, source: Path, embedder: LookupEmbedder
) -> Iterator[tuple[str, dict[str, Any]]]:
    """(id, document with packed vector) of each row, as the pipeline makes them."""
    cleaner = Cleaner(settings)
    for row in open_rows(str(source), "jsonl"):
        product = cleaner.clean(row).product
        text = embedding_text(
            product,
            template=settings.ingest.text_template,
            max_chars=settings.ingest.text_max_chars,
        )
        document = to_document(product, text_hash=text_hash(text))
        packed = pack_dense_vector(embedder.embed_query(text))
        yield product.id, document | {settings.index.vector_field: packed}
