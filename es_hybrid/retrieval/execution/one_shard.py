"""Which indices are one shard: there the vector leaf can be asked as a query.

A `knn` section is found before the search proper, in a phase of its own, since the k nearest of
all shards must be known before anything is counted or shown. A `knn` query takes the k nearest of
each shard, and needs no such phase. On one shard the two are the same hits, total and
aggregations, and the query comes back a tenth sooner (benchmarks/search.py). How many shards
an index has is what every answer says, so nothing is asked for it, and each answer is held
against it: an index that has more by now is asked again.
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
        self._indices: set[str] = set()
        self._takes_queries = True

    def __contains__(self, plan: Plan) -> bool:
        """Whether the plan's vector leaf may be asked as a query."""
        return self._takes_queries and _suits(plan) and plan.index in self._indices

    def learn(self, plan: Plan, answers: Iterable[Mapping[str, Any]]) -> bool:
        """Whether the answers came from one shard; remembered."""
        one = all(answer["_shards"]["total"] == 1 for answer in answers)
        if not one:
            self._indices.discard(plan.index)
        elif _suits(plan) and len(self._indices) < _REMEMBERED:
            self._indices.add(plan.index)
        return one

    def refused(self) -> None:
        """The cluster is too old for a `knn` query with a `k`, which it knows as a section."""
        self._takes_queries = False


def _suits(plan: Plan) -> bool:
    """Whether what is shown is the same, and the number of shards is the index's own."""
    if plan.explain or plan.profile or "pit" in plan.settings:
        return False
    return bool(plan.index) and not plan.params.keys() & {"routing", "preference"}
