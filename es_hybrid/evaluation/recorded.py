"""An embedder and a reranker that record what a search asks of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from es_hybrid.embedding import Embedder, EmbedderIdentity
from es_hybrid.reranking import Reranker

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Pairs(NamedTuple):
    """What a reranker was asked last, and its scores: one for each document, in [0, 1]."""

    query: str
    instruction: str | None
    scores: NDArray[np.float32]


class WrappedReranker:
    """What recording rerankers have in common.

    Attributes:
        inner: The reranker that scores; its owner closes it.
    """

    def __init__(self, inner: Reranker) -> None:
        self.inner = inner

    @property
    def languages(self) -> frozenset[str]:
        """See `Reranker`."""
        return self.inner.languages

    @property
    def weight(self) -> float:
        """See `Reranker`."""
        return self.inner.weight

    def close(self) -> None:
        """Do nothing: the inner reranker is its owner's."""


class RecordedReranker(WrappedReranker):
    """A reranker that remembers its last scores.

    Attributes:
        scored: The last call; None if the last search was not reranked.
    """

    def __init__(self, inner: Reranker) -> None:
        super().__init__(inner)
        self.scored: Pairs | None = None

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """See `Reranker`."""
        scores = self.inner.score(query, documents, instruction, deadline=deadline, raw=raw)
        self.scored = Pairs(query, instruction, scores)
        return scores


class CountedEmbedder:
    """An embedder that counts the characters of queries since its count was last set to 0."""

    def __init__(self, inner: Embedder) -> None:
        self.inner = inner
        self.characters = 0

    @property
    def identity(self) -> EmbedderIdentity:
        """See `Embedder`."""
        return self.inner.identity

    @property
    def batch_size(self) -> int:
        """See `Embedder`."""
        return self.inner.batch_size

    @property
    def concurrency(self) -> int:
        """See `Embedder`."""
        return self.inner.concurrency

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See `Embedder`."""
        return self.inner.embed_documents(texts)

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """See `Embedder`."""
        self.characters += len(text)
        return self.inner.embed_query(text, timeout=timeout)

    def close(self) -> None:
        """Leave the inner embedder to its owner."""
