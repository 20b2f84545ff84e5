"""The columns of a search's stages."""

from __future__ import annotations

from collections.abc import Mapping

from es_hybrid.page.comparison import columns_of, pages_of
from es_hybrid.page.words import WORDS
from es_hybrid.retrieval.response import Hit, SearchResponse, StageRank

EN = WORDS["en"]


def _hit(rank: int, id_: str, **stages: int) -> Hit:
    return Hit(
        id=id_,
        rank=rank,
        score=1 / rank,
        source={"title": id_.upper(), "price": 1234.5, "currency": "EUR", "lang": "de"},
        stages={stage: StageRank(place, 1 / place) for stage, place in stages.items()},
    )


def _found(*hits: Hit, reranked: int = 0) -> SearchResponse:
    return SearchResponse(hits=list(hits), total=len(hits), reranked=reranked)


def _shown(found: SearchResponse, page: int = 1) -> Mapping[str, list[str | None]]:
    return {
        column.stage: [cell.id if cell else None for cell in column.cells]
        for column in columns_of(found, page, EN)
    }


RERANKED = _found(
    _hit(1, "a", bm25=2, rrf=3, rerank=1),
    _hit(2, "b", knn=1, rrf=1, rerank=2),
    _hit(3, "c", bm25=1, knn=2, rrf=2, rerank=3),
    reranked=3,
)


def test_each_column_is_in_its_stages_order() -> None:
    assert _shown(RERANKED) == {
        "bm25": ["c", "a"],
        "knn": ["b", "c"],
        "rrf": ["b", "c", "a"],
        "rerank": ["a", "b", "c"],
    }


def test_marks_show_the_movement_relative_to_the_earlier_stage() -> None:
    marks = {
        column.stage: [cell.mark.sign for cell in column.cells if cell and cell.mark]
        for column in columns_of(RERANKED, 1, EN)
    }
    assert marks == {
        "bm25": [],
        "knn": [],
        "rrf": ["new", "▼1", "▼1"],
        "rerank": ["▲2", "▼1", "▼1"],
    }


def test_bm25_has_its_column_even_if_it_found_nothing() -> None:
    assert _shown(_found(_hit(1, "a", knn=1, rrf=1))) == {"bm25": [], "knn": ["a"], "rrf": ["a"]}


def test_a_rank_outside_the_comparison_is_empty() -> None:
    found = _found(_hit(1, "a", bm25=1, rrf=1), _hit(2, "b", bm25=3, rrf=2))
    assert _shown(found)["bm25"] == ["a", None, "b"]


def test_the_result_has_a_column_only_if_it_differs_from_the_fused_order() -> None:
    same = _found(_hit(1, "a", bm25=1, rrf=1))
    assert list(_shown(same)) == ["bm25", "rrf"]
    pinned = _found(_hit(1, "b"), _hit(2, "a", bm25=1, rrf=1))
    assert _shown(pinned)["result"] == ["b", "a"]


def test_pages_hold_ten_ranks_each() -> None:
    found = _found(*(_hit(rank, f"p{rank}", bm25=rank, rrf=rank) for rank in range(1, 13)))
    assert pages_of(found) == 2
    assert _shown(found, page=2) == {"bm25": ["p11", "p12"], "rrf": ["p11", "p12"]}
    assert pages_of(_found()) == 1
    assert columns_of(_found(), 1, EN) == []


def test_a_cell_has_title_price_and_language() -> None:
    cell = columns_of(RERANKED, 1, EN)[0].cells[0]
    assert cell is not None
    assert (cell.title, cell.price, cell.lang, cell.score) == ("C", "1,234.50 EUR", "de", "1")
