"""The embedder and the reranker of a search, behind their guards."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from es_hybrid.drive.breaker import CircuitBreaker
from es_hybrid.drive.budget import Budget, Shares
from es_hybrid.drive.guard import Guard
from es_hybrid.errors import EmbeddingError, RerankError, RerankSkipped
from es_hybrid.reranking import Reranker
from es_hybrid.reranking.language import misfit
from es_hybrid.retrieval.needs import Call, EmbedQuery, Need, ScoreDocuments, Scores
from es_hybrid.settings import Settings

# The reranker stops by itself when its time is up, after the batch under way. It is waited for a
# little longer, since what it has scored by then is worth having.
_GRACE = 1.1

# Embeds a query within so many seconds: `[dims]` numbers.
Embed = Callable[[str, float | None], Sequence[float]]


class Parts:
    """What searches share: guards and the settings of time. Lives as long as they do.

    Args:
        embed: Raises `EmbeddingError` when it has no vector.
        reranker: None where none is configured.
    """

    def __init__(self, embed: Embed, reranker: Reranker | None, settings: Settings) -> None:
        self._embed = embed
        self._reranker = reranker
        self._weight = settings.rerank.weight
        deadline_ms = settings.rerank.deadline_ms
        self._shares = Shares(
            embedding=settings.search.embedding_share,
            rerank=None if deadline_ms is None else deadline_ms / 1000,
        )
        failures, pause = settings.search.breaker_failures, settings.search.breaker_pause
        self._embedding, self._reranking = (
            Guard(error, CircuitBreaker(failures=failures, pause=pause))
            for error in (EmbeddingError, RerankError)
        )

    def budget(self, timeout: float | None) -> Budget:
        """The time of a search that starts now and may take `timeout` seconds."""
        return Budget.from_now(timeout, self._shares)

    def task(
        self, need: Need, seconds: float | None
    ) -> tuple[Guard, Callable[[], Any], float | None]:
        """Whom to ask, for what, and for how many seconds to wait at most."""
        assert not isinstance(need, Call)
        if isinstance(need, EmbedQuery):
            return self._embedding, lambda: self._embed(need.text, seconds), seconds
        reranker = self._reranker
        assert reranker is not None, "a plan reranks without a reranker"
        deadline = None if seconds is None else time.monotonic() + seconds
        wait = None if seconds is None else seconds * _GRACE
        return self._reranking, lambda: _score(reranker, need, deadline, self._weight), wait

    def close(self) -> None:
        """Begin nothing more; what is at work ends by itself."""
        self._embedding.close()
        self._reranking.close()


def _score(
    reranker: Reranker, need: ScoreDocuments, deadline: float | None, weight: float | None
) -> Scores:
    if reason := misfit(reranker.languages, need.query, need.documents, need.langs):
        raise RerankSkipped(reason)
    values = reranker.score(need.query, need.documents, need.instruction, deadline=deadline)
    return Scores(values.tolist(), weight or reranker.weight)
