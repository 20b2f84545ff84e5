"""The one place where scores become an order."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from es_hybrid.reranking import Reranker
    from es_hybrid.settings import RerankSettings

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
    query: str,
    candidates: Sequence[str],
    *,
    category: str | None = None,
    reranker: Reranker | None = None,
) -> list[tuple[str, float]]:
    """The candidates, best first, each with its score in [0, 1].

    Args:
        query: Not blank.
        candidates: Texts in any order; the likeliest first where `rerank.deadline_ms` is set.
            What is not scored by then follows in the order given, with NaN.
        category: Which of the settings' instructions applies; by default `rerank.category`.
        reranker: By default that of the settings, opened with the first call and kept.

    Raises:
        SettingsError: no reranker is configured, or no instruction for the category.
        RerankError: the reranker cannot score.
    """
    settings = _settings()
    instruction = settings.instruction_for(category)
    deadline = settings.deadline_ms and time.monotonic() + settings.deadline_ms / 1000
    scores = (reranker or _configured()).score(query, candidates, instruction, deadline=deadline)
    return ranked(candidates, scores)


@lru_cache(maxsize=1)
def _settings() -> RerankSettings:
    from es_hybrid.settings import load_settings

    return load_settings().rerank


@lru_cache(maxsize=1)
def _configured() -> Reranker:
    from es_hybrid.reranking import required_reranker

    return required_reranker(_settings())
