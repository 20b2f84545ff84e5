"""What the cluster runs without help, found out by trying once and then remembered.

Elasticsearch's licences differ in the retrievers they allow, and no API reports it in advance. So
a tree is sent as written; if the cluster refuses a retriever, that is remembered for this client
and the retriever runs here from then on. A cluster that runs everything is never asked twice.

Also which indices consist of one shard, where the vector leaf can be a query. A `knn` section is
resolved before the search proper, in a phase of its own, since the k nearest of all shards must be
known first. A `knn` query takes the k nearest of each shard and needs no such phase. On one shard
both give the same hits, total and aggregations, and the query returns a tenth sooner
(benchmarks/search.py). Every answer reports its number of shards, so no request is spent on it, and
an index that has gained shards is asked again. So is one whose vectors have no graph
(`vector_type = "flat"`): there a `knn` query matches every document, whatever its k.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.plan import Knn, Node, Pinned, Plan, Rerank, Standard

Execution = Literal["auto", "native", "client"]

# Included in every licence.
_BASIC = frozenset({"standard", "knn", "rescorer"})
_LICENSED = frozenset({"rrf", "linear", "text_similarity_reranker", "pinned"})

# What a licence calls the retrievers in `current license is non-compliant for [...]`.
_LICENSED_AS = {
    "RRF": "rrf",
    "linear": "linear",
    "text_similarity_reranker": "text_similarity_reranker",
}
_UNKNOWN = re.compile(r"unknown (?:retriever|field) \[(\w+)\]")

# Index patterns to remember: a caller that searches thousands of them gains nothing from it.
_REMEMBERED = 1000


class OneShard:
    """Which indices of a cluster consist of one shard. Shared by searches, safe for threads."""

    def __init__(self) -> None:
        # Index that is one shard -> whether its vector leaf may be a query.
        self._indices: dict[str, bool] = {}
        self._takes_queries = True

    def __contains__(self, plan: Plan) -> bool:
        """Whether the plan's vector leaf may be sent as a query."""
        return (
            self._takes_queries and _shows_the_same(plan) and self._indices.get(plan.index, False)
        )

    def learn(self, plan: Plan, answers: Iterable[Mapping[str, Any]]) -> bool:
        """Remember, and return, whether the answers came from one shard."""
        one = all(answer["_shards"]["total"] == 1 for answer in answers)
        known = self._indices.get(plan.index)
        if known and not one:
            self._indices.pop(plan.index, None)
        elif one and known is None and len(self._indices) < _REMEMBERED and _shows_the_same(plan):
            self._indices[plan.index] = True
        return one

    def never(self, plan: Plan) -> None:
        """Remember that a query found more than its k in this index."""
        self._indices[plan.index] = False

    def refused(self) -> None:
        """Remember that the cluster is too old for a `knn` query with a `k`."""
        self._takes_queries = False


@dataclass(slots=True)
class Abilities:
    """Abilities of one cluster, as one client sees it. Shared by searches, safe for threads.

    Attributes:
        refused: Kinds of retriever that the cluster does not run.
        one_shard: Which indices consist of one shard.
    """

    refused: set[str] = field(default_factory=set)
    one_shard: OneShard = field(default_factory=OneShard)

    def runs_whole(self, root: Node, *, execution: Execution, reranks: bool) -> set[int]:
        """`id()` of each retriever that is sent as it is, with everything inside.

        Args:
            reranks: Whether a reranker is configured; it then replaces the cluster's.
        """
        nodes = list(walk(root))
        return {id(node) for node in nodes if self._runs(node, execution, reranks)}

    def _runs(self, node: Node, execution: Execution, reranks: bool) -> bool:
        if isinstance(node, Standard | Knn):
            return True
        inside = list(walk(node))
        if any(_only_here(each, reranks) for each in inside):
            return False
        kinds = {each.kind for each in inside}
        if execution == "native":
            return True
        return kinds <= _BASIC if execution == "client" else not kinds & self.refused

    def learn(self, status: int, error: Mapping[str, Any]) -> set[str]:
        """Remember, and return, the kinds of retriever that an error refuses.

        Another search may have learned the same a moment before.
        """
        text = json.dumps(error, ensure_ascii=False)
        # Inside a retriever that the licence allows, this is the cause of a parsing error.
        if status in (400, 403) and "license is non-compliant" in text:
            named = {kind for name, kind in _LICENSED_AS.items() if name in text} or set(_LICENSED)
        elif status == 400:
            named = set(_UNKNOWN.findall(text)) & (_LICENSED | {"rescorer"})
        else:
            named = set()
        self.refused |= named
        return named


def _shows_the_same(plan: Plan) -> bool:
    """Whether a query shows what a section shows, and all of the index's shards are searched."""
    if plan.explain or plan.profile or "pit" in plan.settings:
        return False
    return bool(plan.index) and not plan.params.keys() & {"routing", "preference"}


def _only_here(node: Node, reranks: bool) -> bool:
    """Whether only es-hybrid can run it."""
    match node:
        case Rerank():
            return reranks or node.document is not None or node.keep_rest
        case Pinned():
            return node.filtered
        case _:
            return False
