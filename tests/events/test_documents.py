"""The parts of an event that are computed."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.events.documents import rerank_lift
from es_hybrid.retrieval.response import StageRank
from tests.events.conftest import FIELDS

_PAGE = Path(__file__).parents[2] / "docs/events.md"


def _ranks(**ranks: int) -> dict[str, StageRank]:
    return {stage: StageRank(rank, 0.5) for stage, rank in ranks.items()}


def test_the_lift_is_the_mean_of_the_places_moved_up() -> None:
    page = [
        _ranks(bm25=9, knn=3, rrf=12, rerank=1),  # up 11
        _ranks(bm25=1, rrf=1, signals=4, rerank=2),  # up 2: signals come before the reranker
        _ranks(bm25=2, rrf=2, rerank=6),  # down 4
        _ranks(rrf=3),  # not scored in time
        _ranks(pinned=1, rerank=7),  # in no ranking before
    ]
    assert rerank_lift(page) == 3.0
    assert rerank_lift(page[2:3]) == -4.0


def test_without_a_reranker_there_is_no_lift() -> None:
    assert rerank_lift([_ranks(bm25=1, rrf=1)]) is None
    assert rerank_lift([]) is None


@pytest.mark.parametrize("field", sorted(FIELDS))
def test_the_page_describes_every_field(field: str) -> None:
    name = field.removeprefix("es_hybrid.")
    for section in ("search.", "load.", "catalogue.", "align."):
        name = name.removeprefix(section)
    named = "es_hybrid.index" if name == "index" else name
    assert f"`{named}`" in _PAGE.read_text("utf-8")
