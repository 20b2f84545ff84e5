"""Items of a pool for tests."""

from __future__ import annotations

from es_hybrid.evaluation.judging.pool import PoolItem


def item(query_id: str, id_: str, *, title: str = "", priority: float = 1.0) -> PoolItem:
    return PoolItem(
        query_id=query_id,
        query=f"query {query_id}",
        id=id_,
        lang="en",
        fields={"title": title or f"Product {id_}"},
        stages={"bm25": 1},
        priority=priority,
    )


POOL = [item(query_id, id_) for query_id in ("q1", "q2") for id_ in ("a", "b", "c", "d")]
