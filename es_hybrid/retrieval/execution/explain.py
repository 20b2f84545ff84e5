"""The `_explanation` of a fused hit: how each retriever ranked it, down to the leaves."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any

from es_hybrid.retrieval.execution.fuse import Ranked, normalized, shown
from es_hybrid.retrieval.execution.rank import Report
from es_hybrid.retrieval.execution.requests import LeafResult, by_owner
from es_hybrid.retrieval.execution.tree import children, walk
from es_hybrid.retrieval.plan import Child, Key, Linear, Node, Rrf
from es_hybrid.retrieval.response import StageRank

Explanation = dict[str, Any]


class Explainer:
    """Explains the scores of a page's hits.

    Args:
        root: The tree as it was split.
        found: The results of the leaves, requested with `explain`.
    """

    def __init__(self, root: Node, report: Report, found: Sequence[LeafResult]) -> None:
        self._root = root
        self._leaves: dict[int, dict[Key, Explanation]] = {
            owner: {Key(hit["_index"], hit["_id"]): hit["_explanation"] for hit in answered.hits}
            for owner, answered in by_owner(found).items()
        }
        # By `id()` of the retriever.
        self._ranks = {id(node): report.ranks(node) for node in walk(root)}
        self._values: dict[tuple[int, int], Sequence[float]] = {}

    def explanation(self, hit: Ranked) -> Explanation:
        """The explanation of a hit's score."""
        return self._of(hit.key, self._root, shown(hit.score))

    def _of(self, key: Key, node: Node, score: float) -> Explanation:
        """The explanation of the hit's score in one retriever."""
        if (own := self._leaves.get(id(node), {}).get(key)) is not None:
            return own
        match node:
            case Rrf():
                return self._rrf(key, node, score)
            case Linear():
                return self._linear(key, node, score)
            case _:
                details = [
                    self._of(key, child, place.score)
                    for child in children(node)
                    if (place := self._place(key, child)) is not None
                ]
                return _explained(score, f"score of the [{node.kind}] retriever", details)

    def _rrf(self, key: Key, node: Rrf, score: float) -> Explanation:
        places = [self._in_window(key, child, node) for child in node.children]
        ranks = [place.rank if place else 0 for place in places]
        details = [
            self._share(key, index, child, place, node.rank_constant)
            for index, (child, place) in enumerate(zip(node.children, places, strict=True))
        ]
        text = (
            f"rrf score: [{score}] computed for initial ranks {ranks} with rankConstant: "
            f"[{node.rank_constant}] as sum of [weight * 1 / (rank + rankConstant)] for each query"
        )
        return _explained(score, text, details)

    def _share(
        self, key: Key, index: int, child: Child, place: StageRank | None, constant: int
    ) -> Explanation:
        if place is None:
            return _explained(0, f"rrf score: [0], result not found in query at index [{index}]")
        value = child.weight / (constant + place.rank)
        text = f"rrf score: [{value}], for rank [{place.rank}] in query at index [{index}]"
        return _explained(value, text, [self._of(key, child.node, place.score)])

    def _linear(self, key: Key, node: Linear, score: float) -> Explanation:
        details = []
        for index, child in enumerate(node.children):
            place = self._in_window(key, child, node)
            if place is None:
                details.append(_explained(0, f"not found by the [{child.node.stage}] retriever"))
                continue
            value = self._normalized(node, index, place)
            text = (
                f"weighted score: [{child.weight * value}], normalized by [{child.normalizer}] "
                f"with weight [{child.weight}]"
            )
            inner = [self._of(key, child.node, place.score)]
            details.append(_explained(child.weight * value, text, inner))
        text = f"weighted linear combination score: [{score}], sum of weight * normalized score"
        return _explained(score, text, details)

    def _normalized(self, node: Linear, index: int, place: StageRank) -> float:
        values = self._values.get((id(node), index))
        if values is None:
            child = node.children[index]
            ranks = islice(self._ranks[id(child.node)].values(), node.rank_window_size)
            values = normalized([rank.score for rank in ranks], child.normalizer).tolist()
            self._values[id(node), index] = values
        return values[place.rank - 1]

    def _in_window(self, key: Key, child: Child, node: Rrf | Linear) -> StageRank | None:
        place = self._place(key, child.node)
        return place if place is not None and place.rank <= node.rank_window_size else None

    def _place(self, key: Key, node: Node) -> StageRank | None:
        return self._ranks[id(node)].get(key)


def _explained(value: float, description: str, details: Sequence[Explanation] = ()) -> Explanation:
    return {"value": value, "description": description, "details": list(details)}
