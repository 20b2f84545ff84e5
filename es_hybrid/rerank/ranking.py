"""The one place where scores become an order."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.rerank import Reranker

__all__ = ["ranked", "rerank"]


def ranked(candidates: Sequence[str], scores: NDArray[np.float32]) -> list[tuple[str, float]]:
    """Candidates with their scores, best first.

    Equal scores keep the order given. So do the candidates without a score (NaN), behind all
    that have one.
    """
    pairs = list(zip(candidates, scores.tolist(), strict=True))
    scored = [pair for pair in pairs if not math.isnan(pair[1])]
    unscored = [pair for pair in pairs if math.isnan(pair[1])]
    return sorted(scored, key=lambda pair: -pair[1]) + unscored


def rerank(
    reranker: Reranker, query: str, candidates: Sequence[str], instruction: str | None = None
) -> list[tuple[str, float]]:
    """The candidates, best first, each with its score in [0, 1].

    Raises:
        RerankError: the reranker cannot score.
    """
    return ranked(candidates, reranker.score(query, candidates, instruction))
