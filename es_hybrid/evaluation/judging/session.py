"""The order in which one judge sees a pool, and what is left of it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from es_hybrid.evaluation.judging.agreement import krippendorff_alpha
from es_hybrid.evaluation.judging.pool import PoolItem
from es_hybrid.evaluation.judging.store import Judged, grades_of


@dataclass(frozen=True, slots=True)
class JudgingProgress:
    """How far judging is.

    Attributes:
        mine: Items of the pool that this judge judged.
        judged: Items that any person judged.
        alpha: Krippendorff's alpha of all people, for ordered grades; None without a pair that two
            of them judged.
    """

    mine: int
    judged: int
    total: int
    alpha: float | None


def blind_order(pool: Sequence[PoolItem], by: str) -> list[PoolItem]:
    """The queries in the pool's order, each with its products in an order that says nothing.

    It depends on the judge's name, so that two judges do not tire at the same products.
    """
    first: dict[str, int] = {}
    for item in pool:
        first.setdefault(item.query_id, len(first))
    return sorted(pool, key=lambda item: (first[item.query_id], _drawn(item, by)))


def next_item(
    pool: Sequence[PoolItem], judged: Judged, by: str, skipped: Collection[tuple[str, str]] = ()
) -> PoolItem | None:
    """What this judge judges next; None if nothing is left.

    Args:
        skipped: Pairs left for later.
    """
    return next(
        (
            item
            for item in blind_order(pool, by)
            if item.pair not in skipped and by not in judged.get(item.pair, {})
        ),
        None,
    )


def progress(pool: Sequence[PoolItem], judged: Judged, by: str) -> JudgingProgress:
    """How far this judge and all people are with a pool."""
    given = [judged.get(item.pair, {}) for item in pool]
    by_people = [grades_of(by_judge, llm=False) for by_judge in given]
    return JudgingProgress(
        mine=sum(by in by_judge for by_judge in given),
        judged=sum(bool(grades) for grades in by_people),
        total=len(pool),
        alpha=krippendorff_alpha(by_people),
    )


def _drawn(item: PoolItem, by: str) -> bytes:
    return hashlib.sha256(f"{by}\0{item.query_id}\0{item.id}".encode()).digest()
