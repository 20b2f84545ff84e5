"""What the cluster runs by itself. Found out by trying, once, and remembered.

Elasticsearch's licences differ in which retrievers they allow, and nothing says so beforehand. So
a tree is sent as it is; where the cluster refuses a retriever, that is remembered for this client,
and from then on it runs here. A cluster that runs everything is never asked twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from es_hybrid.retrieval.execution.one_shard import OneShard
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.plan import Knn, Node, Pinned, Rerank, Standard

Execution = Literal["auto", "native", "client"]

# Part of every licence.
_BASIC = frozenset({"standard", "knn", "rescorer"})
_LICENSED = frozenset({"rrf", "linear", "text_similarity_reranker", "pinned"})

# What a licence calls the retrievers in `current license is non-compliant for [...]`.
_LICENSED_AS = {
    "RRF": "rrf",
    "linear": "linear",
    "text_similarity_reranker": "text_similarity_reranker",
}
_UNKNOWN = re.compile(r"unknown (?:retriever|field) \[(\w+)\]")


@dataclass(slots=True)
class Abilities:
    """Of one cluster, as one client sees it. Shared by its searches, in any thread.

    Attributes:
        refused: Kinds of retriever that the cluster does not run.
        one_shard: Which indices are one shard.
    """

    refused: set[str] = field(default_factory=set)
    one_shard: OneShard = field(default_factory=OneShard)

    def runs(self, node: Node, *, execution: Execution, reranks: bool) -> bool:
        """Whether a retriever, with all that is inside, is sent as it is.

        Args:
            reranks: Whether there is a reranker here; it then does what the cluster's would.
        """
        if isinstance(node, Standard | Knn):
            return True
        inside = list(walk(node))
        if any(_ours(each, reranks) for each in inside):
            return False
        kinds = {each.kind for each in inside}
        if execution == "native":
            return True
        return kinds <= _BASIC if execution == "client" else not kinds & self.refused

    def learn(self, status: int, error: Mapping[str, Any]) -> set[str]:
        """The retrievers that the cluster refused for what they are, now remembered.

        Another search may have learnt the same a moment before.
        """
        told = json.dumps(error, ensure_ascii=False)
        # Inside a retriever that the licence allows, it is a parsing error's cause.
        if status in (400, 403) and "license is non-compliant" in told:
            named = {kind for name, kind in _LICENSED_AS.items() if name in told} or set(_LICENSED)
        elif status == 400:
            named = set(_UNKNOWN.findall(told)) & (_LICENSED | {"rescorer"})
        else:
            named = set()
        self.refused |= named
        return named


def _ours(node: Node, reranks: bool) -> bool:
    """Whether only es-hybrid can run it."""
    match node:
        case Rerank():
            return reranks or node.document is not None or node.keep_rest
        case Pinned():
            return node.filtered
        case _:
            return False
