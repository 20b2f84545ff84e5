"""Run queries through a search."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch

# Enough for Recall@100.
DEPTH = 100


def run_queries(
    search: HybridSearch,
    queries: Iterable[Query],
    *,
    mode: Mode,
    rerank: bool = True,
    done: Callable[[], None] = lambda: None,
) -> dict[str, dict[str, float]]:
    """Query id -> document id -> score for the first `DEPTH` hits.

    The score is 1 / rank: the order that a shopper sees is what is measured.

    Args:
        rerank: Whether to use the configured reranker.
        done: Called after each query.

    Raises:
        EvaluationError: a search was degraded, so its figures would describe another system.
    """
    run: dict[str, dict[str, float]] = {}
    for query in queries:
        # No deadline: measure the order, not the speed of the machine.
        response = search.search(query.text, mode=mode, rerank=rerank, size=DEPTH, timeout_ms=0)
        if response.degraded:
            raise EvaluationError(
                "the search was degraded: " + "; ".join(response.degraded),
                place=f"query {query.id}",
                remedy="repair that part and measure again",
            )
        run[query.id] = {hit.id: 1 / hit.rank for hit in response.hits}
        done()
    return run
