"""An embedder and a reranker that cost nothing, for tests that are not about them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.errors import RerankError
from tests.fakes.embedding import vector_of

DIMS = 64


class SeededEmbedder:
    """A text's vector is a seeded function of the text."""

    identity = EmbedderIdentity("seeded", "1", DIMS, "")
    batch_size = 32
    concurrency = 1

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return np.stack([vector_of(text, DIMS) for text in texts])

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        return vector_of(text, DIMS)

    def close(self) -> None:
        """Nothing to let go of."""


class LengthReranker:
    """The shorter a text, the better. A text that says `unscored` is not scored in time."""

    languages: frozenset[str] = frozenset()
    weight = 1.0

    def __init__(self, *, fails: bool = False) -> None:
        self.fails = fails
        self.asked: list[tuple[str, list[str], str | None]] = []

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
    ) -> NDArray[np.float32]:
        self.asked.append((query, list(documents), instruction))
        if self.fails:
            raise RerankError("is dead")
        scores = [np.nan if "unscored" in text else 1 / (1 + len(text)) for text in documents]
        return np.array(scores, dtype=np.float32)

    def close(self) -> None:
        """Nothing to close."""
