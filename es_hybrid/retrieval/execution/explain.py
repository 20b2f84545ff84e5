"""The `_explanation` of a hit ranked here, as Elasticsearch writes it.

Each retriever explains its own score by those of its children, down to the leaves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import islice
from typing import Any

import numpy as np

from es_hybrid.retrieval.execution.fuse import MAX_ORGANIC_SCORE, Ranked, normalized, shown
from es_hybrid.retrieval.execution.report import Report
from es_hybrid.retrieval.execution.requests import LeafResult, by_owner
from es_hybrid.retrieval.execution.tree import walk
from es_hybrid.retrieval.nodes import (
    Diversify,
    Foreign,
    Groups,
    Knn,
    Linear,
    Node,
    Pinned,
    RandomRerank,
    Reordering,
    Rerank,
    Rescorer,
    Rrf,
    Signals,
    Spread,
    Standard,
)
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.response import StageRank

Explanation = dict[str, Any]

# Elasticsearch's endpoint where a body names none.
_DEFAULT_ENDPOINT = ".rerank-v1-elasticsearch"
# Part of a hit's explanation in an index with nested fields, but not of a retriever's.
_ROOT_DOCUMENTS = "FieldExistsQuery [field=_primary_term]"


class Explainer:
    """Explains the scores of a page's hits.

    Args:
        root: The tree as it was split.
        found: The results of the leaves, requested with `explain`.
    """

    def __init__(self, root: Node, report: Report, found: Sequence[LeafResult]) -> None:
        self._root = root
        self._shares = report.shares
        self._leaves: dict[int, dict[Key, Explanation]] = {
            owner: {Key(hit["_index"], hit["_id"]): hit["_explanation"] for hit in answered.hits}
            for owner, answered in by_owner(found).items()
            if answered.leaf.search is answered.leaf.owner
        }
        # Number of each document in its shard.
        self._numbers = {
            hit.key: hit.place[0] & 0xFFFFFFFF for each in found for hit in each.ranking
        }
        # By `id()` of the retriever.
        self._ranks = {id(node): report.ranks(_recorded(node, report)) for node in walk(root)}
        self._scores: dict[tuple[int, int], Sequence[float]] = {}

    def explanation(self, hit: Ranked) -> Explanation:
        """The explanation of a hit's score."""
        place = self._place(hit.key, self._root)
        return self._of(
            hit.key, self._root, StageRank(place.rank if place else 0, shown(hit.score))
        )

    def _of(self, key: Key, node: Node, place: StageRank) -> Explanation:
        """The explanation of the hit's rank and score in one retriever."""
        if (own := self._leaves.get(id(node), {}).get(key)) is not None:
            return self._of_leaf(key, node, place, own)
        match node:
            case Rrf():
                return self._rrf(key, node, place.score)
            case Linear():
                return self._linear(key, node, place.score)
            case Rerank() | Signals() if key in self._shares.get(id(node), ()):
                return self._shared(key, node, place.score)
            case Rerank() if not node.interpolated:
                return _explained(place.score, _reranked(node), self._below(key, node.child))
            case Rerank() | Signals():  # beyond the window, or without a score
                return self._below(key, node.child)[0]
            case Pinned():
                return self._pinned(key, node, place)
            case Rescorer() | Diversify() | RandomRerank():
                return self._ranked(key, place, self._below(key, node.child))
            case Spread():
                return self._spread(key, node, place)
            case Groups():
                return self._of_group(key, node.child)
            case Standard() | Knn() | Foreign():
                raise AssertionError(f"the leaf {node.stage} did not return this hit")

    def _of_leaf(self, key: Key, node: Node, place: StageRank, own: Explanation) -> Explanation:
        match node:
            case Standard():
                return _of_query(own)
            case Knn():
                text = f"found vector with calculated similarity: {_float(place.score)}"
                return self._ranked(key, place, [_explained(place.score, text)])
            case Rescorer():
                return self._ranked(key, place, [_of_query(own)])
            case _:
                return own

    def _rrf(self, key: Key, node: Rrf, score: float) -> Explanation:
        places = [self._in_window(key, child.node, node) for child in node.children]
        ranks = [place.rank if place else 0 for place in places]
        text = (
            f"rrf score: [{_float(score)}] computed for initial ranks {ranks} with rankConstant: "
            f"[{node.rank_constant}] as sum of [1 / (rank + rankConstant)] for each query"
        )
        details = [self._share(key, node, index, place) for index, place in enumerate(places)]
        return _explained(score, text, details)

    def _share(self, key: Key, node: Rrf, index: int, place: StageRank | None) -> Explanation:
        child, constant = node.children[index].node, node.rank_constant
        query = f"in query at index [{index}]{_named(child)}"
        if place is None:
            return _explained(0.0, f"rrf score: [0], result not found {query}")
        share = float(np.float32(1) / np.float32(place.rank + constant))
        text = (
            f"rrf score: [{_float(share)}], for rank [{place.rank}] {query} computed as "
            f"[1 / ({place.rank} + {constant})], for matching query with score"
        )
        return _explained(place.rank, text, [self._of(key, child, place)])

    def _linear(self, key: Key, node: Linear, score: float) -> Explanation:
        places = [self._in_window(key, child.node, node) for child in node.children]
        scores = [self._normalized(node, index, place) for index, place in enumerate(places)]
        weights = _floats(child.weight for child in node.children)
        text = (
            f"weighted linear combination score: [{_float(score)}] computed for normalized scores "
            f"{_floats(scores)} and weights {weights} as sum of (weight[i] * score[i]) for each "
            f"query."
        )
        pairs = enumerate(zip(places, scores, strict=True))
        details = [self._weighted(key, node, index, *pair) for index, pair in pairs]
        return _explained(score, text, details)

    def _weighted(
        self, key: Key, node: Linear, index: int, place: StageRank | None, score: float
    ) -> Explanation:
        child = node.children[index]
        query = f"in query at index [{index}]{_named(child.node)}"
        if place is None or not score > 0:
            return _explained(0.0, f"weighted score: [0], result not found {query}")
        weighted = shown(float(np.float32(child.weight) * np.float32(score)))
        text = (
            f"weighted score: [{_float(weighted)}] {query} computed as [{_float(child.weight)} * "
            f"{_float(score)}] using score normalizer [{child.normalizer}] for original matching "
            f"query with score:"
        )
        return _explained(weighted, text, [self._of(key, child.node, place)])

    def _shared(self, key: Key, node: Rerank | Signals, score: float) -> Explanation:
        """A score that its child's and other shares make up."""
        first, *others = self._shares[id(node)][key]
        way = "product" if isinstance(node, Signals) and node.combine == "product" else "sum"
        details = [
            _explained(first.value, first.description, self._below(key, node.child)),
            *(_explained(each.value, each.description) for each in others),
        ]
        return _explained(score, f"{node.stage} score, {way} of:", details)

    def _pinned(self, key: Key, node: Pinned, place: StageRank) -> Explanation:
        below = self._below(key, node.child) or [_explained(0.0, self._not_found(node.child))]
        organic = [self._ranked(key, place, below)]
        if place.score > MAX_ORGANIC_SCORE:
            return _explained(place.score, "Pinned document, original explanation:", organic)
        return self._ranked(key, place, organic)

    def _spread(self, key: Key, node: Spread, place: StageRank) -> Explanation:
        below = self._place(key, node.child)
        assert below is not None
        limits = [f"at most {most} of each {name} on a page" for name, most in node.limits.items()]
        diversity = [f"diversity {node.diversity:g}"] if node.field else []
        text = (
            f"rank [{place.rank}] in place of [{below.rank}], spread by "
            f"{', '.join([*limits, *diversity])}; the score is that of:"
        )
        return _explained(place.score, text, [self._of(key, node.child, below)])

    def _of_group(self, key: Key, node: Node) -> Explanation:
        """The explanation by the first retriever below that ranked the hit."""
        while (place := self._place(key, node)) is None and isinstance(node, Reordering):
            node = node.child
        assert place is not None
        return self._of(key, node, place)

    def _not_found(self, child: Node) -> str:
        return f"doc not found in top {len(self._ranks[id(child)])} rank docs"

    def _ranked(self, key: Key, place: StageRank, details: Sequence[Explanation]) -> Explanation:
        text = (
            f"doc [{self._numbers[key]}] with an original score of [{_float(place.score)}] is at "
            f"rank [{place.rank}] from the following source queries."
        )
        return _explained(place.rank, text, details)

    def _below(self, key: Key, child: Node) -> list[Explanation]:
        """The explanation by an only child; none if that did not find the hit."""
        place = self._place(key, child)
        return [] if place is None else [self._of(key, child, place)]

    def _normalized(self, node: Linear, index: int, place: StageRank | None) -> float:
        if place is None:
            return 0.0
        values = self._scores.get((id(node), index))
        if values is None:
            child = node.children[index]
            ranks = islice(self._ranks[id(child.node)].values(), node.rank_window_size)
            values = normalized([rank.score for rank in ranks], child.normalizer).tolist()
            self._scores[id(node), index] = values
        return values[place.rank - 1]

    def _in_window(self, key: Key, child: Node, node: Rrf | Linear) -> StageRank | None:
        place = self._place(key, child)
        return place if place is not None and place.rank <= node.rank_window_size else None

    def _place(self, key: Key, node: Node) -> StageRank | None:
        return self._ranks[id(node)].get(key)


def _recorded(node: Node, report: Report) -> Node:
    """The retriever, or what its order is from: a reranker that scored nothing has its child's."""
    while isinstance(node, Rerank) and id(node) not in report.rankings:
        node = node.child
    return node


def _reranked(node: Rerank) -> str:
    name = "" if node.child.name is None else f"[{node.child.name}]"
    return (
        f"text_similarity_reranker match using inference endpoint: "
        f"[{node.inference_id or _DEFAULT_ENDPOINT}] on document field: [{node.field}] matching on "
        f"source query {name}"
    )


def _named(child: Node) -> str:
    return "" if child.name is None else f" [{child.name}]"


def _of_query(explanation: Explanation) -> Explanation:
    """The explanation of the leaf's query alone, without the condition for nested fields."""
    details = explanation["details"]
    inner = details[-1]["details"] if details else ()
    if not any(each["description"] == _ROOT_DOCUMENTS for each in inner):
        return explanation
    return details[0] if len(details) == 2 else {**explanation, "details": details[:-1]}


def _explained(value: float, description: str, details: Sequence[Explanation] = ()) -> Explanation:
    return {"value": value, "description": description, "details": list(details)}


def _floats(values: Any) -> str:
    return f"[{', '.join(map(_float, values))}]"


def _float(value: float) -> str:
    """A float32 as Java prints it: `0.016129032`, `1.0E-5`, `1.7014119E38`."""
    number = np.float32(value)
    if number == 0 or 1e-3 <= abs(number) < 1e7:
        return str(np.format_float_positional(number, unique=True, trim="0"))
    if not math.isfinite(number):
        return str(number)
    mantissa, _, exponent = np.format_float_scientific(number, unique=True, trim="0").partition("e")
    return f"{mantissa}E{int(exponent)}"
