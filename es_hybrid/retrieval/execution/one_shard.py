"""Which indices are one shard: there the vector leaf can be asked as a query.

A `knn` section is found before the search proper, in a phase of its own, since the k nearest of
all shards must be known before anything is counted or shown. A `knn` query takes the k nearest of
each shard, and needs no such phase. On one shard the two are the same hits, total and
aggregations, and the query comes back a tenth sooner (benchmarks/search.py). How many shards
an index has is what every answer says, so nothing is asked for it, and each answer is held
against it: an index that has more by now is asked again. So is one whose vectors have no graph
(`vector_type = "flat"`): there a `knn` query matches every document, whatever its k.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from es_hybrid.retrieval.plan import Plan

# Whoever searches thousands of index patterns gains nothing from having them remembered.
_REMEMBERED = 1000


class OneShard:
    """Of one cluster. Shared by searches, in any thread."""

    def __init__(self) -> None:
        # Whether it suits, of each index that was one shard.
        self._indices: dict[str, bool] = {}
        self._takes_queries = True

    def __contains__(self, plan: Plan) -> bool:
        """Whether the plan's vector leaf may be asked as a query."""
        return self._takes_queries and _suits(plan) and self._indices.get(plan.index, False)

    def learn(self, plan: Plan, answers: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the answers came from one shard; remembered."""
        one = all(answer["_shards"]["total"] == 1 for answer in answers)
        known = self._indices.get(plan.index)
        if known and not one:
            self._indices.pop(plan.index, None)
        elif one and known is None and _suits(plan) and len(self._indices) < _REMEMBERED:
            self._indices[plan.index] = True
        return one

    def never(self, plan: Plan) -> None:
        """A query has found more than its k in this index."""
        self._indices[plan.index] = False

    def refused(self) -> None:
        """The cluster is too old for a `knn` query with a `k`, which it knows as a section."""
        self._takes_queries = False


def _suits(plan: Plan) -> bool:
    """Whether what is shown is the same, and the number of shards is the index's own."""
    if plan.explain or plan.profile or "pit" in plan.settings:
        return False
    return bool(plan.index) and not plan.params.keys() & {"routing", "preference"}
