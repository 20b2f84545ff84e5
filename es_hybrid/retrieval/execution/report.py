"""What happened while a search was ranked: ranks, scores, failures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from es_hybrid.retrieval.execution.fuse import Ranking, shown_scores
from es_hybrid.retrieval.nodes import Compound, Node
from es_hybrid.retrieval.plan import Key
from es_hybrid.retrieval.response import StageRank

Ranks = Mapping[Key, StageRank]


class Share(NamedTuple):
    """A part of a hit's score: a summand, or a factor."""

    value: float
    description: str


@dataclass
class Report:
    """What happened while ranking.

    Attributes:
        first_rank: Rank of the first hit of a ranking: more than 1 on a later page that the cluster
            ranked.
        rankings: Ranking of each retriever, by `id()`.
        ids: Provisional key of a hit -> its key, once its document was read; see `documents`.
        shares: What the scores of a retriever consist of, by its `id()`, if they are explained.
    """

    first_rank: int = 1
    rankings: dict[int, tuple[Node, Ranking]] = field(default_factory=dict)
    ids: dict[Key, Key] = field(default_factory=dict)
    shares: dict[int, dict[Key, list[Share]]] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    reranked: int = 0

    def ranked(self, node: Node, ranking: Ranking) -> None:
        """Record the ranking of a retriever."""
        self.rankings[id(node)] = (node, ranking)

    def ranks(self, node: Node) -> Ranks:
        """Key -> rank from 1 and score in one retriever."""
        _, ranking = self.rankings.get(id(node), (node, []))
        places = zip(ranking, shown_scores(ranking), strict=True)
        return {
            hit.key: StageRank(rank, score)
            for rank, (hit, score) in enumerate(places, self.first_rank)
        }

    def names(self, keys: Container[Key]) -> dict[Key, list[str]]:
        """`_name` of every compound retriever that ranked each of these hits, outermost first."""
        names: dict[Key, list[str]] = {}
        for node, ranking in reversed(self.rankings.values()):
            if node.name is not None and isinstance(node, Compound):
                for hit in ranking:
                    if hit.key in keys:
                        names.setdefault(hit.key, []).append(node.name)
        return names

    def best(self) -> Mapping[str, Sequence[float]]:
        """Leg -> scores of its first five hits."""
        return {
            node.label: shown_scores(ranking[:5])
            for node, ranking in self.rankings.values()
            if node.label and not isinstance(node, Compound)
        }

    def stages(self, keys: Container[Key] | None = None) -> Mapping[str, Ranks]:
        """Stage -> rank and score of its hits; the second stage of a name is `standard#2`.

        Args:
            keys: The hits of interest; None for all.
        """
        named: dict[str, dict[Key, StageRank]] = {}
        seen: Counter[str] = Counter()
        places = []
        for node, ranking in self.rankings.values():
            stage = node.label or node.name or node.kind
            seen[stage] += 1
            again = f"#{seen[stage]}" if seen[stage] > 1 else ""
            ranks: dict[Key, StageRank] = {}
            named[stage + again] = ranks
            for rank, hit in enumerate(ranking, self.first_rank):
                key = self.ids.get(hit.key, hit.key)
                if keys is None or key in keys:
                    places.append((ranks, rank, key, hit))
        scores = shown_scores([hit for *_, hit in places])
        for (ranks, rank, key, _), score in zip(places, scores, strict=True):
            ranks[key] = StageRank(rank, score)
        return named


# Elasticsearch's answer, and how it came about.
Answered = tuple[dict[str, Any], Report]
