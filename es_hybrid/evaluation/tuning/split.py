"""Which queries tune, and which tell the gain."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Qrels, Query

# Queries that have the same relevant products.
Group = tuple[Query, ...]

# Fewer groups on either side choose and prove nothing.
_LEAST = 5


@dataclass(frozen=True, slots=True)
class QuerySplit:
    """The two parts of the queries, each in random order."""

    tuned: list[Group]
    held_out: list[Group]


def grouped(queries: Sequence[Query], qrels: Qrels) -> list[Group]:
    """The queries in groups with the same relevant products.

    Such queries, as translations of one query, are no independent evidence: a gain on one of them
    is likely to be one on the others.
    """
    groups: dict[frozenset[str], list[Query]] = {}
    for query in queries:
        relevant = frozenset(id_ for id_, grade in qrels[query.id].items() if grade > 0)
        groups.setdefault(relevant, []).append(query)
    return [tuple(group) for group in groups.values()]


def split(groups: Sequence[Group], *, held_out: float, seed: int) -> QuerySplit:
    """Divide groups at random, with the same languages in both parts.

    Args:
        held_out: Share of the groups that tell the gain, in (0, 1).

    Raises:
        EvaluationError: a part has too few groups.
    """
    chance = random.Random(seed)
    shuffled = chance.sample(list(groups), len(groups))
    shuffled.sort(key=lambda group: sorted({query.lang for query in group}))
    parts: tuple[list[Group], list[Group]] = ([], [])
    for number, group in enumerate(shuffled):
        parts[int((number + 1) * held_out) - int(number * held_out)].append(group)
    if min(map(len, parts)) < _LEAST:
        raise EvaluationError(
            f"{len(parts[0])} independent queries to tune on and {len(parts[1])} to prove the gain",
            place="queries",
            remedy=f"judge more queries: each part needs {_LEAST} with relevant products of their "
            "own, and a few dozen to prove a small gain",
        )
    for part in parts:
        chance.shuffle(part)
    return QuerySplit(*parts)
