"""Vectors of products: of the title, and of the text that an index would embed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.blocking import Embedded, joined
from es_hybrid.align.journal import Journal
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.resilient import EmbeddedText, NotEmbedded, embed_texts
from es_hybrid.errors import EmbeddingError
from es_hybrid.index.document import embedding_text, text_hash
from es_hybrid.records import Product
from es_hybrid.waiting import Patience

__all__ = ["ProductVectors"]

# Stored vectors take half the space, and cosines change by less than 0.001.
_STORED = np.float16


class ProductVectors:
    """Embeds products, and each text only once.

    Args:
        journal: Stores the vectors for the next run.
        template: Product fields of the text that is embedded.
        max_chars: Maximum length of that text, in characters.
        patience: How long to wait for an unavailable embedding server.
    """

    def __init__(
        self,
        embedder: Embedder,
        journal: Journal,
        *,
        template: Sequence[str],
        max_chars: int,
        patience: Patience,
    ) -> None:
        self._embedder = embedder
        self._journal = journal
        self._template = template
        self._max_chars = max_chars
        self._patience = patience
        identity = embedder.identity
        self.model = f"{identity.model}@{identity.revision}".rstrip("@")
        self.template = f"{', '.join(template)}, {max_chars} characters"
        self._key = f"{self.model}/{identity.dims}"

    def embedded(
        self, products: Sequence[Product], done: Callable[[int], None] = lambda count: None
    ) -> list[Embedded]:
        """Products with their vectors.

        Args:
            done: Called with the number of newly embedded products.

        Raises:
            EmbeddingError: the embedder fails, or rejects a text.
            Outage: it stays unavailable.
        """
        found: list[Embedded] = []
        size = self._embedder.batch_size * self._embedder.concurrency
        for start in range(0, len(products), size):
            batch = products[start : start + size]
            titles = self.of_texts([product.title for product in batch])
            texts = self.of_texts([self.text(product) for product in batch])
            vectors = joined(titles, texts)
            found += [Embedded(product, row) for product, row in zip(batch, vectors, strict=True)]
            done(len(batch))
        return found

    def text(self, product: Product) -> str:
        """The text that an index would embed."""
        return embedding_text(product, template=self._template, max_chars=self._max_chars)

    def of_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """`[n]` texts -> `[n, dims]` float32 of length 1."""
        hashes = [text_hash(text) for text in texts]
        known = self._journal.vectors(self._key, hashes)
        new = {hash_: text for hash_, text in zip(hashes, texts, strict=True) if hash_ not in known}
        made = dict(zip(new, self._made(list(new.values())), strict=True))
        if made:
            self._journal.put_vectors(self._key, made)
        known |= made
        rows = [np.frombuffer(known[hash_], dtype=_STORED) for hash_ in hashes]
        vectors = np.stack(rows).astype(np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True))

    def _made(self, texts: Sequence[str]) -> Iterator[bytes]:
        size = self._embedder.batch_size
        batches = [texts[start : start + size] for start in range(0, len(texts), size)]
        with ThreadPoolExecutor(self._embedder.concurrency) as pool:
            for batch, rows in zip(batches, pool.map(self._vectors_of, batches), strict=True):
                for text, row in zip(batch, rows, strict=True):
                    if isinstance(row, NotEmbedded):
                        raise EmbeddingError(
                            f"no vector for {text[:80]!r}: {row.reason}",
                            place="align",
                            remedy="remove that product, or reduce ingest.text_max_chars",
                        )
                    yield row.vector.astype(_STORED).tobytes()

    def _vectors_of(self, batch: Sequence[str]) -> list[EmbeddedText | NotEmbedded]:
        return embed_texts(self._embedder, batch, self._patience)
