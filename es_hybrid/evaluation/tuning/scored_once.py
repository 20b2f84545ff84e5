"""A reranker that scores nothing twice, and what its scores depend on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.recorded import WrappedReranker
from es_hybrid.index.passport import CANARY_TEXTS
from es_hybrid.reranking import Reranker

_QUERY = "electric kettle"
# Differences of the last bits, from another batch size, change no order.
_EPSILON = 1e-6


class ScoredOnce(WrappedReranker):
    """The reranker of one query.

    Args:
        by_pair: Keep the score of each document; otherwise those of each list of documents.

    Attributes:
        pairs: Number of pairs that were scored.
    """

    def __init__(self, reranker: Reranker, *, by_pair: bool) -> None:
        super().__init__(reranker)
        self.pairs = 0
        self._by_pair = by_pair
        self._scores: dict[tuple[str, str | None, tuple[str, ...]], NDArray[np.float32]] = {}

    def score(
        self,
        query: str,
        documents: Sequence[str],
        instruction: str | None = None,
        *,
        deadline: float | None = None,
        raw: bool = False,
    ) -> NDArray[np.float32]:
        """See `Reranker`. A shop's searches never ask for raw scores."""
        assert not raw
        if not self._by_pair:
            return self._scored(query, tuple(documents), instruction, deadline)
        new = [
            document
            for document in dict.fromkeys(documents)
            if (query, instruction, (document,)) not in self._scores
        ]
        if new:
            found = self._scored(query, tuple(new), instruction, deadline)
            for document, score in zip(new, found, strict=True):
                self._scores[query, instruction, (document,)] = np.array([score])
        return np.concatenate(
            [self._scores[query, instruction, (document,)] for document in documents]
        )

    def _scored(
        self,
        query: str,
        documents: tuple[str, ...],
        instruction: str | None,
        deadline: float | None,
    ) -> NDArray[np.float32]:
        key = (query, instruction, documents)
        if key not in self._scores:
            scores = self.inner.score(query, documents, instruction, deadline=deadline)
            self._scores[key] = scores
            self.pairs += len(documents)
        return self._scores[key]


def scores_by_pair(reranker: Reranker) -> bool:
    """Whether the score of a document is the same next to other documents.

    It is not if the activations of a batch are quantised together, as in the bundled model.
    """
    together = reranker.score(_QUERY, CANARY_TEXTS)
    alone = np.concatenate([reranker.score(_QUERY, [text]) for text in CANARY_TEXTS])
    return bool(np.abs(together - alone).max() <= _EPSILON)


def heeds_instructions(reranker: Reranker) -> bool:
    """Whether the scores depend on the instruction."""
    first, second = (
        reranker.score(_QUERY, CANARY_TEXTS, instruction)
        for instruction in (None, "Judge whether the document is a poem")
    )
    return bool(np.any(first != second))
