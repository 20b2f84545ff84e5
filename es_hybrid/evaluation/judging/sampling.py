"""Propose the results to judge next.

A judgement is worth most where it can change figures most: near the top of the list that shoppers
see, and where the stages disagree, since the difference of two stages' DCG depends on a product by
the difference of its discounts (Carterette, Allan and Sitaraman 2006).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.judging.pool import PoolItem
from es_hybrid.records import Product
from es_hybrid.search import HybridSearch

# Hits of a search: enough for the first ranks of every stage.
_HITS = 100
# Characters of a description that a judge sees.
_DESCRIPTION = 600
# The order in which shoppers see the hits, as a stage.
_SHOWN = "shown"


def sample(
    search: HybridSearch,
    queries: Iterable[Query],
    qrels: Qrels,
    *,
    size: int,
    depth: int = 10,
    done: Callable[[], None] = lambda: None,
) -> list[PoolItem]:
    """Search each query, and choose the unjudged hits with the highest priority.

    The same index, queries and judgements give the same pool.

    Args:
        qrels: Judged pairs, which are not proposed.
        size: Items at most.
        depth: Only hits up to this rank of a stage, from 1.
        done: Called after each query.

    Raises:
        EvaluationError: a search was degraded, so a stage is missing.
        EsHybridError: as in `HybridSearch.search`.
    """
    found: list[PoolItem] = []
    for query in queries:
        found += _unjudged(search, query, qrels.get(query.id, {}), depth)
        # Keeps memory bounded; the sort is stable, so equal priorities stay in the queries' order.
        found = sorted(found, key=lambda item: -item.priority)[:size]
        done()
    return found


def priority(stages: Mapping[str, int], *, shown: int | None, depth: int) -> float:
    """How much a judgement can change: the discount of the shown rank, and the stages' spread.

    Args:
        stages: Stage -> rank from 1.
        shown: Rank in the list that shoppers see; None if it is not in it.
        depth: Ranks beyond count as absent.

    >>> round(priority({"bm25": 1, "knn": 1}, shown=1, depth=10), 3)
    1.0
    >>> round(priority({"knn": 1}, shown=2, depth=10), 3)
    1.631
    """
    discounts = [_discount(rank, depth) for rank in stages.values()]
    # Of two legs, one that does not return a product has it at no rank.
    if len({"bm25", "knn"} & stages.keys()) < 2:
        discounts.append(0.0)
    return _discount(shown, depth) + max(discounts) - min(discounts)


def _discount(rank: int | None, depth: int) -> float:
    """The discount of DCG at a rank."""
    return 0.0 if rank is None or rank > depth else 1 / math.log2(rank + 1)


def _unjudged(
    search: HybridSearch, query: Query, judged: Mapping[str, int], depth: int
) -> Iterator[PoolItem]:
    # No deadline: a stage that is late would change the pool.
    response = search.search(query.text, size=_HITS, timeout_ms=0, floor=False)
    if response.degraded:
        raise EvaluationError(
            "the search was degraded: " + "; ".join(response.degraded),
            place=f"query {query.id}",
            remedy="repair that part and sample again",
        )
    for hit in response.hits:
        ranks = {stage: place.rank for stage, place in hit.stages.items()}
        if hit.id not in judged and min([hit.rank, *ranks.values()]) <= depth:
            yield PoolItem(
                query_id=query.id,
                query=query.text,
                lang=query.lang,
                id=hit.id,
                fields=shown_fields(hit.product),
                stages=ranks | {_SHOWN: hit.rank},
                priority=round(priority(ranks, shown=hit.rank, depth=depth), 6),
            )


def shown_fields(product: Product) -> dict[str, Any]:
    """What a judge sees of a product; empty fields are left out."""
    price = "" if product.price is None else f"{product.price:.2f} {product.currency}".strip()
    fields: dict[str, Any] = {
        "title": product.title,
        "brand": product.brand,
        "category": " > ".join(product.category),
        "price": price,
        "attributes": {
            name: value if isinstance(value, str) else ", ".join(value)
            for name, value in product.attributes.items()
        },
        "description": product.description[:_DESCRIPTION],
        "lang": product.lang,
    }
    return {name: value for name, value in fields.items() if value}
