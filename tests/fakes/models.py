"""An embedder and a reranker that cost nothing and fail on demand."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.retrieval.needs import EmbedQuery
from tests.fakes.embedding import vector_of
from tests.fakes.reranking import by_length
from tests.pauses import PATIENCE

DIMS = 64


def seeded(texts: Sequence[str]) -> NDArray[np.float32]:
    """`[n, 64]` float32: each vector is a seeded function of its text."""
    return np.stack([vector_of(text, DIMS) for text in texts])


class FakeEmbedder:
    """Computes nothing.

    Args:
        vectors: `[n]` texts -> `[n, 64]` float32.
    """

    identity = EmbedderIdentity("seeded", "1", DIMS, "")
    batch_size = 32
    concurrency = 1

    def __init__(self, vectors: Callable[[Sequence[str]], NDArray[np.float32]] = seeded) -> None:
        self._vectors = vectors

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        return self._vectors(texts)

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        vector: NDArray[np.float32] = self._vectors([text])[0]
        return vector

    def close(self) -> None:
        """Nothing to close."""


class QueriesEmbeddedBy:
    """Embeds queries by a function, and remembers none."""

    def __init__(self, embed: Callable[[EmbedQuery, float | None], Sequence[float]]) -> None:
        self._embed = embed

    def known(self, need: EmbedQuery) -> Sequence[float] | None:
        return None

    def __call__(self, need: EmbedQuery, seconds: float | None, /) -> Sequence[float]:
        return self._embed(need, seconds)


class RerankCall(NamedTuple):
    """The arguments of a `score` call."""

    query: str
    documents: list[str]
    instruction: str | None
    deadline: float | None
    raw: bool = False


class FakeReranker:
    """Scores each text by itself; one that says `unscored` is not scored.

    Args:
        score: By default the shorter, the better.
        error: Raised by every call.
        held: Every call waits until it is set, whatever its deadline.

    Attributes:
        calls: Every call so far.
        entered: Released once a call, as soon as it begins.
    """

    languages: frozenset[str] = frozenset()
    weight = 1.0

    def __init__(
        self,
        score: Callable[[str], float] = by_length,
        *,
        error: Exception | None = None,
        held: threading.Event | None = None,
    ) -> None:
        self.calls: list[RerankCall] = []
        self.entered = threading.Semaphore(0)
        self._score = score
        self.error = error
        self._held = held

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        self.calls.append(RerankCall(query, list(documents), instruction, deadline, raw))
        self.entered.release()
        if self._held is not None:
            self._held.wait(PATIENCE)
        if self.error is not None:
            raise self.error
        scores = [np.nan if "unscored" in text else self._score(text) for text in documents]
        return np.array(scores, dtype=np.float32)

    def close(self) -> None:
        """Nothing to close."""
