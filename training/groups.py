"""Training groups: a query and some documents with grades.

The documents come from the search that will be reranked, because its hits include look-alikes,
which random products are not.
"""

from __future__ import annotations

import itertools
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.retrieval.request import Mode
from training.catalogue import Item
from training.queries import MadeQuery, Wanted

__all__ = ["Group", "Search", "make_groups"]

# Query and mode -> ids, best first.
Search = Callable[[str, Mode], Sequence[str]]

_DEPTH = 40  # hits of each list
_GOOD, _BAD = 0.75, 0.1  # minimum grade of a good document, maximum grade of a bad one
_FIRST_GOOD, _FIRST_MIDDLING, _FIRST_BAD = 15, 20, 30  # documents of a list to draw from
_ANY_GOOD = 8  # drawn from the whole catalogue, to learn from documents that the search misses


@dataclass(frozen=True, slots=True)
class Group:
    """One query and its documents.

    Attributes:
        good, middling, bad: (document, grade in [0, 1]), in the order of the hits.
    """

    query: str
    language: str
    good: tuple[tuple[str, float], ...]
    middling: tuple[tuple[str, float], ...]
    bad: tuple[tuple[str, float], ...]

    def drawn(self, rng: random.Random) -> list[tuple[str, float]]:
        """Up to two good, one middling and three bad documents."""
        return [
            pair
            for pairs, number in ((self.good, 2), (self.middling, 1), (self.bad, 3))
            for pair in rng.sample(pairs, min(number, len(pairs)))
        ]


def make_groups(
    queries: Sequence[MadeQuery], items: Sequence[Item], search: Search, rng: random.Random
) -> list[Group]:
    """A group for each query with at least one good document and two others."""
    by_id = {item.id: item for item in items}
    pools = _pools(items)
    groups = []
    for query in queries:
        # The lexical leg finds documents that mention the thing, the vector leg similar things.
        by_words, by_vector = search(query.english, "bm25"), search(query.text, "knn")
        found = _alternating(by_words[:_DEPTH], by_vector[:_DEPTH])
        answering = _answering(query.wanted, pools)
        drawn = rng.sample(answering, min(_ANY_GOOD, len(answering)))
        graded = _graded(query.wanted, [by_id[id_] for id_ in found])
        further = [pair for pair in _graded(query.wanted, drawn) if pair[1] >= _GOOD]
        good = [pair for pair in graded if pair[1] >= _GOOD][:_FIRST_GOOD]
        group = Group(
            query=query.text,
            language=query.language,
            good=tuple(dict.fromkeys(good + further)),
            middling=tuple(pair for pair in graded if _BAD < pair[1] < _GOOD)[:_FIRST_MIDDLING],
            bad=tuple(pair for pair in graded if pair[1] <= _BAD)[:_FIRST_BAD],
        )
        if group.good and len(group.middling) + len(group.bad) >= 2:
            groups.append(group)
    return groups


def _pools(items: Sequence[Item]) -> Mapping[int | str, list[Item]]:
    """Items by family and by kind."""
    pools: dict[int | str, list[Item]] = defaultdict(list)
    for item in items:
        pools[item.kind].append(item)
        for family in item.families:
            pools[family].append(item)
    return pools


def _answering(wanted: Wanted, pools: Mapping[int | str, list[Item]]) -> list[Item]:
    """Items of the requested family or kinds; none if the query requests neither."""
    keys: Sequence[int | str] = sorted(wanted.kinds)
    if wanted.family is not None:
        keys = [wanted.family]
    return [item for key in keys for item in pools.get(key, ())]


def _alternating(first: Sequence[str], second: Sequence[str]) -> list[str]:
    both = itertools.chain.from_iterable(itertools.zip_longest(first, second))
    return [id_ for id_ in dict.fromkeys(both) if id_ is not None]


def _graded(wanted: Wanted, items: Sequence[Item]) -> list[tuple[str, float]]:
    grades = ((item.text, wanted.grade(item)) for item in items)
    return [(text, grade) for text, grade in grades if grade is not None]
