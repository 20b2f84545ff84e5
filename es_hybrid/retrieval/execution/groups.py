"""The groups of a search that shows one hit of each, and how many documents they take.

A window of 100 documents may hold three products with their variants, so the window of such a
search counts groups. The leaves are asked for more documents until they have them, and then cut to
exactly these: what is fused, and its order, is the same on every page.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Generator, Hashable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from es_hybrid.retrieval.execution.abilities import GroupSizes
from es_hybrid.retrieval.execution.fuse import Ranking
from es_hybrid.retrieval.execution.requests import LeafResult, by_owner
from es_hybrid.retrieval.execution.tree import Leaf
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Groups, Knn, Node
from es_hybrid.retrieval.plan import Key, Plan

# A hit and the names of the clauses it matches.
FoundHit = tuple[dict[str, Any], list[str]]

# Documents asked for, as a multiple of those that the last searches needed.
_RESERVE = 1.25
_GROWTH = 2


@dataclass
class Grouping:
    """The groups of one search's documents.

    Attributes:
        order: Lets Elasticsearch sort documents.
        read: Reads of documents what a reranker needs.
        group_of: Document -> its group.
        behind: Documents behind the window -> place among them. They follow it, group by group.
        ranked: Every document that was grouped, by score.
    """

    node: Groups
    plan: Plan
    sizes: GroupSizes
    order: Callable[[Ranking], Generator[Need, Any, Ranking]]
    read: Callable[[Ranking], Generator[Need, Any, dict[Key, FoundHit]]]
    group_of: dict[Key, Hashable] = field(default_factory=dict)
    behind: dict[Key, int] = field(default_factory=dict)
    ranked: Ranking = field(default_factory=list)

    def search(self, leaf: Leaf) -> Node:
        """What is sent for a leaf."""
        if not isinstance(leaf.search, Knn):
            return leaf.search
        return replace(leaf.search, k=leaf.size)

    def lacking(self, results: Sequence[LeafResult]) -> dict[int, Leaf]:
        """The leaves to ask for more documents, by `id()` of their owner."""
        self._read_groups(results)
        asked = {owner: self._asked_again(each) for owner, each in by_owner(results).items()}
        return {owner: leaf for owner, leaf in asked.items() if leaf is not None}

    def first_asked(self, leaf: Leaf) -> Leaf:
        """The leaf with the number of documents that its groups usually take."""
        if leaf.search is not leaf.owner:  # the documents that a pinned retriever names
            return leaf
        documents = self.sizes.documents(self._name(leaf)) * _RESERVE
        return self._sized(leaf, self._wanted(leaf) * documents)

    def _asked_again(self, result: LeafResult) -> Leaf | None:
        """The leaf with more documents; None if it has enough groups, or no more documents."""
        leaf, found = result.leaf, len(result.hits)
        if leaf.search is not leaf.owner:
            return None
        wanted = self._wanted(leaf)
        groups = len({self.group_of[hit.key] for hit in result.ranking})
        if found < leaf.size or groups >= wanted or leaf.size >= self._most(leaf):
            if groups >= wanted:
                self.sizes.learn(self._name(leaf), self._prefix(result.ranking, wanted) / wanted)
            return None
        estimated = found / groups * wanted * _RESERVE
        return self._sized(leaf, max(leaf.size * _GROWTH, estimated))

    def _read_groups(self, results: Sequence[LeafResult]) -> None:
        """Remember the groups of these hits."""
        for each in results:
            for hit, ranked in zip(each.hits, each.ranking, strict=True):
                values = hit.get("fields", {}).get(self.node.field)
                alone = ranked.key if self.node.alone else None
                self.group_of[ranked.key] = values[0] if values else alone

    def cut(self, results: Sequence[LeafResult]) -> None:
        """Reduce the leaves to their windows, and to what follows the lexical one.

        Args:
            results: A vector leaf may be there twice: narrowed to the selection, then whole.
        """
        whole = [each for each in by_owner(results).values() if each.leaf.search is each.leaf.owner]
        windows = {
            id(each.leaf.owner): {
                hit.key
                for hit in islice(each.ranking, self._prefix(each.ranking, self.node.window))
            }
            for each in whole
        }
        inside = set().union(*windows.values())
        for each in whole:
            # Every vector has neighbours: those behind the window are not matches.
            if not isinstance(each.leaf.search, Knn) and not self.plan.of_candidates:
                rest = [hit.key for hit in each.ranking if hit.key not in inside]
                self.behind = {key: place for place, key in enumerate(rest)}
        for each in results:
            if (window := windows.get(id(each.leaf.owner))) is not None:
                each.keep(window | self.behind.keys())

    def best(self, ranking: Ranking) -> Ranking:
        """The first hit of each group."""
        first: dict[Hashable, Any] = {}
        for hit in ranking:
            first.setdefault(self.group_of[hit.key], hit)
        return list(first.values())

    def of_most(self, ranking: Ranking, count: int) -> Ranking:
        """So many hits of as many groups as possible, in their order.

        The first of each group, then the second of each, and so on.
        """
        seen: Counter[Hashable] = Counter()
        places = []
        for hit in ranking:
            group = self.group_of[hit.key]
            places.append(seen[group])
            seen[group] += 1
        chosen = sorted(range(len(ranking)), key=places.__getitem__)[:count]
        return [ranking[at] for at in sorted(chosen)]

    def members(self, shown: Ranking) -> Ranking:
        """The ranked documents of the groups of these hits, by score."""
        groups = {self.group_of[hit.key] for hit in shown}
        return [hit for hit in self.ranked if self.group_of[hit.key] in groups]

    def named(self, shown: Ranking) -> list[Hashable]:
        """The groups of these hits that have a name: the value of the field."""
        groups = [self.group_of[hit.key] for hit in shown]
        return [group for group in groups if group is not None and not isinstance(group, Key)]

    def _prefix(self, ranking: Ranking, count: int) -> int:
        """Number of documents up to the first one of the last of so many groups."""
        seen: set[Hashable] = set()
        for place, hit in enumerate(ranking, 1):
            seen.add(self.group_of[hit.key])
            if len(seen) == count:
                return place
        return len(ranking)

    def _wanted(self, leaf: Leaf) -> int:
        """Number of groups that the page needs of a leaf."""
        if isinstance(leaf.search, Knn) or self.plan.of_candidates:
            return self.node.window
        return max(self.node.window, self.plan.from_ + self.plan.size)

    def _sized(self, leaf: Leaf, documents: float) -> Leaf:
        """Rounded to a power of two: the pages of a search ask for the same neighbours."""
        rounded = 1 << (math.ceil(documents) - 1).bit_length()
        return replace(leaf, size=min(rounded, self._most(leaf)))

    def _most(self, leaf: Leaf) -> int:
        """Most documents to read; of neighbours as many as the cluster considers anyway."""
        if isinstance(leaf.search, Knn):
            return leaf.search.num_candidates
        return self.node.rank_window_size

    def _name(self, leaf: Leaf) -> tuple[str, ...]:
        return (self.plan.index, self.node.field, leaf.owner.stage)
