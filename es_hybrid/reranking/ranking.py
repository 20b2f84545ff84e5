"""Scores documents within a deadline and sorts them."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from es_hybrid.reranking.language import misfit

if TYPE_CHECKING:
    from es_hybrid.reranking.reranker import Reranker

__all__ = ["Scored", "score_within"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """Documents scored within a deadline.

    Attributes:
        scores: In [0, 1], unless they are raw, in the order of the documents; NaN for those not
            scored in time.
        languages: Languages the reranker supports.
        milliseconds: Time spent scoring.
    """

    query: str
    documents: Sequence[str]
    scores: Sequence[float]
    languages: frozenset[str]
    milliseconds: float

    @property
    def late(self) -> int:
        """Number of documents not scored in time."""
        return sum(map(math.isnan, self.scores))

    @property
    def order(self) -> list[int]:
        """Indices of the documents, best first.

        Equal scores keep the given order. Documents without a score come last, in that order too.
        """

        def rank(index: int) -> float:
            return math.inf if math.isnan(self.scores[index]) else -self.scores[index]

        return sorted(range(len(self.scores)), key=rank)

    def ranked(self) -> list[tuple[str, float]]:
        """The documents with their scores, in the order of `order`."""
        return [(self.documents[index], self.scores[index]) for index in self.order]

    def misfit(self) -> str | None:
        """Why the reranker does not suit these texts, or None if it does."""
        return misfit(self.languages, self.query, self.documents)


def score_within(
    reranker: Reranker,
    query: str,
    documents: Sequence[str],
    instruction: str | None = None,
    *,
    seconds: float | None,
    raw: bool = False,
) -> Scored:
    """Score documents for at most `seconds`; None: without a limit.

    Args:
        raw: See `Reranker.score`.

    Raises:
        RerankError: the reranker cannot score.
    """
    started = time.monotonic()
    deadline = None if seconds is None else started + seconds
    scores = reranker.score(query, documents, instruction, deadline=deadline, raw=raw).tolist()
    return Scored(
        query=query,
        documents=documents,
        scores=scores,
        languages=reranker.languages,
        milliseconds=(time.monotonic() - started) * 1000,
    )
