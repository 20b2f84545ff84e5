"""A search's hits in the order of each of its stages, side by side."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from es_hybrid.page.words import PageWords
from es_hybrid.retrieval.response import Hit, SearchResponse

__all__ = [
    "PAGE_SIZE",
    "Cell",
    "Mark",
    "StageColumn",
    "cell_of",
    "columns_of",
    "mark_of",
    "pages_of",
]

PAGE_SIZE = 10

# Stage -> the stage that it is compared with. BM25 is what a shop had before.
_BEFORE = {"rrf": "bm25", "rerank": "rrf"}
_STAGES = ("bm25", "knn", "rrf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How a hit moved relative to the earlier stage."""

    kind: Literal["up", "down", "same", "new"]
    sign: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One hit in one column."""

    id: str
    rank: int
    title: str
    lang: str
    price: str
    score: str
    mark: Mark | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageColumn:
    """One stage's order. A cell is None if that hit is not among those compared."""

    stage: str
    title: str
    note: str
    cells: Sequence[Cell | None]


def pages_of(found: SearchResponse) -> int:
    """Number of pages of the comparison; 1 if nothing was found."""
    return max(1, math.ceil(len(found.hits) / PAGE_SIZE))


def columns_of(found: SearchResponse, page: int, words: PageWords) -> list[StageColumn]:
    """The columns of one page, in the order in which the stages ran; or the similar products.

    The last column has the hits in the order of the answer, reranked if a reranker ran.

    Args:
        page: From 1; a page has `PAGE_SIZE` ranks of every stage.
    """
    if found.similar:
        similar = {hit.rank: hit for hit in found.similar}
        cells = _cells(similar, "similar", range(1, len(similar) + 1), words)
        return [StageColumn(stage="similar", title=words.similar, note="", cells=cells)]
    ranks = range((page - 1) * PAGE_SIZE + 1, page * PAGE_SIZE + 1)
    last = "rerank" if found.reranked else "result"
    orders = {stage: _order(found.hits, stage) for stage in _STAGES}
    # Without a reranker the result is the fused order, after any pinned and exact hits.
    result = {hit.rank: hit for hit in found.hits}
    if found.reranked or result != orders["rrf"]:
        orders[last] = result
    return [
        StageColumn(
            stage=stage,
            title=words.stages[stage],
            note=words.stage_notes[stage],
            cells=_cells(order, stage, ranks, words),
        )
        for stage, order in orders.items()
        # BM25 is shown even if it found nothing, as the other columns are compared with it.
        if order or (found.hits and stage == "bm25")
    ]


def _order(hits: Iterable[Hit], stage: str) -> dict[int, Hit]:
    return {hit.stages[stage].rank: hit for hit in hits if stage in hit.stages}


def _cells(
    order: Mapping[int, Hit], stage: str, ranks: range, words: PageWords
) -> list[Cell | None]:
    shown = [order.get(rank) for rank in ranks if rank <= max(order, default=0)]
    return [
        None if hit is None else _cell(hit, stage, rank, words)
        for rank, hit in zip(ranks, shown, strict=False)
    ]


def _cell(hit: Hit, stage: str, rank: int, words: PageWords) -> Cell:
    score = hit.stages[stage].score if stage in hit.stages else hit.score
    return cell_of(hit, rank, mark=_mark(hit, stage, rank, words), score=f"{score:.3g}")


def cell_of(hit: Hit, rank: int, *, mark: Mark | None, score: str = "") -> Cell:
    """What a column shows of a hit."""
    product = hit.product
    price = "" if product.price is None else f"{product.price:,.2f} {product.currency}".strip()
    return Cell(
        id=hit.id,
        rank=rank,
        title=product.title or hit.id,
        lang=product.lang,
        price=price,
        score=score,
        mark=mark,
    )


def _mark(hit: Hit, stage: str, rank: int, words: PageWords) -> Mark | None:
    if stage not in _BEFORE:
        return None
    before = hit.stages.get(_BEFORE[stage])
    return mark_of(None if before is None else before.rank, rank, words)


def mark_of(before: int | None, rank: int, words: PageWords) -> Mark:
    """How a hit moved to its rank; `before` is None if it had none."""
    if before is None:
        return Mark(kind="new", sign=words.new_mark, title=words.new_mark)
    moved = before - rank
    if not moved:
        return Mark(kind="same", sign="=", title=words.same_mark)
    if moved > 0:
        return Mark(kind="up", sign=f"▲{moved}", title=words.up_mark.format(n=moved))
    return Mark(kind="down", sign=f"▼{-moved}", title=words.down_mark.format(n=-moved))
