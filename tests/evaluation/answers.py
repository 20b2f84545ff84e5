"""Made answers of stages, for tests of what is computed from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import STAGES, Stage, StageAnswers, StageHit


def found(ids: str | Sequence[str], *, title: str = "title of {}") -> list[StageHit]:
    """Hits with falling scores; a string is one id a letter."""
    return [StageHit(id_, 1 / rank, title.format(id_)) for rank, id_ in enumerate(ids, 1)]


def answers(
    rankings: Mapping[str, str],
    reranked_at: Mapping[int, Sequence[str]] | None = None,
    *,
    total: float = 30.0,
    title: str = "title of {}",
) -> StageAnswers:
    """Answers with these rankings, by stage, and a hybrid search of `total` milliseconds."""
    stages: dict[Stage, list[StageHit]] = {
        stage: found(rankings[stage], title=title) for stage in STAGES if stage in rankings
    }
    parts = {"embed": 5.0, "elasticsearch": 10.0, "rerank": 12.0, "total": total}
    return StageAnswers(
        rankings=stages,
        timings={"bm25": {"total": 8.0}, "hybrid": parts},
        reranked_at=reranked_at or {},
        characters=7,
        pairs=50,
        more_pairs=3,
    )


class Made:
    """A source of made answers: query id -> ids, one a letter."""

    def __init__(self, **rankings: str) -> None:
        self._rankings = rankings

    def answer(self, query: Query) -> list[StageHit]:
        """See `AnswerSource`."""
        return found(self._rankings[query.id])
