"""The `_explanation` of a fused hit: how each retriever ranked it, down to the leaves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.retrieval.execution.fuse import Ranked, normalized, shown
from es_hybrid.retrieval.execution.rank import Report
from es_hybrid.retrieval.execution.requests import LeafResult, by_owner
from es_hybrid.retrieval.execution.tree import children
from es_hybrid.retrieval.plan import Child, Key, Linear, Node, Rrf
from es_hybrid.retrieval.response import StageRank

Explanation = dict[str, Any]


def explanation(
    root: Node, hit: Ranked, report: Report, found: Sequence[LeafResult]
) -> Explanation:
    """The explanation of a hit's score.

    Args:
        found: The results of the leaves, requested with `explain`.
    """
    leaves = {
        owner: {Key(each["_index"], each["_id"]): each["_explanation"] for each in answered.hits}
        for owner, answered in by_owner(found).items()
    }
    return _Explainer(hit.key, report, leaves).of(root, shown(hit.score))


class _Explainer:
    def __init__(
        self,
        key: Key,
        report: Report,
        leaves: Mapping[int, Mapping[Key, Explanation]],
    ) -> None:
        self._key = key
        self._report = report
        self._leaves = leaves

    def of(self, node: Node, score: float) -> Explanation:
        """The explanation of the hit's score in one retriever."""
        if (own := self._leaves.get(id(node), {}).get(self._key)) is not None:
            return own
        match node:
            case Rrf():
                return self._rrf(node, score)
            case Linear():
                return self._linear(node, score)
            case _:
                details = [
                    self.of(child, place.score)
                    for child in children(node)
                    if (place := self._place(child)) is not None
                ]
                return _explained(score, f"score of the [{node.kind}] retriever", details)

    def _rrf(self, node: Rrf, score: float) -> Explanation:
        places = [self._in_window(child, node) for child in node.children]
        ranks = [place.rank if place else 0 for place in places]
        details = [
            self._share(index, child, place, node.rank_constant)
            for index, (child, place) in enumerate(zip(node.children, places, strict=True))
        ]
        text = (
            f"rrf score: [{score}] computed for initial ranks {ranks} with rankConstant: "
            f"[{node.rank_constant}] as sum of [weight * 1 / (rank + rankConstant)] for each query"
        )
        return _explained(score, text, details)

    def _share(
        self, index: int, child: Child, place: StageRank | None, constant: int
    ) -> Explanation:
        if place is None:
            return _explained(0, f"rrf score: [0], result not found in query at index [{index}]")
        value = child.weight / (constant + place.rank)
        text = f"rrf score: [{value}], for rank [{place.rank}] in query at index [{index}]"
        return _explained(value, text, [self.of(child.node, place.score)])

    def _linear(self, node: Linear, score: float) -> Explanation:
        details = []
        for child in node.children:
            place = self._in_window(child, node)
            if place is None:
                details.append(_explained(0, f"not found by the [{child.node.stage}] retriever"))
                continue
            value = self._normalized(node, child, place)
            text = (
                f"weighted score: [{child.weight * value}], normalized by [{child.normalizer}] "
                f"with weight [{child.weight}]"
            )
            inner = [self.of(child.node, place.score)]
            details.append(_explained(child.weight * value, text, inner))
        text = f"weighted linear combination score: [{score}], sum of weight * normalized score"
        return _explained(score, text, details)

    def _normalized(self, node: Linear, child: Child, place: StageRank) -> float:
        ranks = list(self._report.ranks(child.node).values())[: node.rank_window_size]
        return float(normalized([r.score for r in ranks], child.normalizer)[place.rank - 1])

    def _in_window(self, child: Child, node: Rrf | Linear) -> StageRank | None:
        place = self._place(child.node)
        return place if place is not None and place.rank <= node.rank_window_size else None

    def _place(self, node: Node) -> StageRank | None:
        return self._report.ranks(node).get(self._key)


def _explained(value: float, description: str, details: Sequence[Explanation] = ()) -> Explanation:
    return {"value": value, "description": description, "details": list(details)}
