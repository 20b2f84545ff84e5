"""Compare two sources of answers on the same queries: how they differ, and which is better."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from es_hybrid.evaluation.answers import AnswerSource
from es_hybrid.evaluation.differences import (
    Difference,
    Loss,
    WorstLosses,
    difference,
    shown_hits,
)
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.stages import StageHit, run_of

# Chance that a shopper looks at the next hit, for rank-biased overlap: some ten hits are read.
_PERSISTENCE = 0.9
# Queries whose hits are held at a time.
_BATCH = 50

_Answers = tuple[Query, Sequence[StageHit], Sequence[StageHit]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerComparison:
    """How two sources answer the same queries. Shares are in [0, 1].

    Attributes:
        k: Hits of each answer that count.
        overlap: Share of the first k hits in common, mean over the queries.
        rank_biased_overlap: The same with more weight on the first ranks.
        same_first: Share of the queries with the same first hit.
        changed: Queries whose first k hits are not the same in the same order.
        moved: Hits that are among the first k of both at another rank, for all queries.
        lost: Hits among the first k of the first source and not of the second.
        change: Difference of the measure over the judged queries; None without judgements.
        worst: Queries that lose most of the measure; without judgements, those that agree least:
            before is 1, after is the rank-biased overlap.
    """

    queries: int
    k: int
    overlap: float
    rank_biased_overlap: float
    same_first: float
    changed: int
    moved: int
    lost: int
    change: Difference | None
    worst: Sequence[Loss] = field(repr=False)


@dataclass
class _Sums:
    """What is added up over the queries."""

    queries: int = 0
    overlap: float = 0.0
    biased: float = 0.0
    same_first: int = 0
    changed: int = 0
    moved: int = 0
    lost: int = 0

    def add(self, one: Sequence[str], other: Sequence[str]) -> float:
        """Add two lists of ids; returns their rank-biased overlap."""
        biased = rank_biased_overlap(one, other)
        places = {id_: place for place, id_ in enumerate(other)}
        self.queries += 1
        self.overlap += overlap(one, other)
        self.biased += biased
        self.same_first += one[:1] == other[:1]
        self.changed += one != other
        self.moved += sum(places.get(id_, place) != place for place, id_ in enumerate(one))
        self.lost += sum(id_ not in places for id_ in one)
        return biased


def compare(
    first: AnswerSource,
    second: AnswerSource,
    queries: Sequence[Query],
    *,
    k: int = 10,
    qrels: Qrels | None = None,
    measure: str = "nDCG@10",
    worst: int = 0,
    done: Callable[[], None] = lambda: None,
) -> AnswerComparison:
    """Ask both and compare their hits.

    Args:
        queries: At least one; with judgements, each with a relevant document.
        k: Hits to compare.
        measure: One of `measures.MEASURES`.
        worst: Number of queries to keep with their hits.
        done: Called after each query.

    Raises:
        EvaluationError: an answer is missing or degraded.
        EsHybridError: as `AnswerSource.answer`.
    """
    sums, losses = _Sums(), WorstLosses(worst)
    values: tuple[list[float], list[float]] = ([], [])
    answers = _answers(first, second, queries, done)
    while some := list(islice(answers, _BATCH)):
        biased = [sums.add(_first(one, k), _first(other, k)) for _, one, other in some]
        if qrels is None:
            pairs = [(1.0, agreement) for agreement in biased]
        else:
            pairs = _measured(some, qrels, measure)
            values[0].extend(before for before, _ in pairs)
            values[1].extend(after for _, after in pairs)
        for (query, one, other), (before, after) in zip(some, pairs, strict=True):
            if losses.admits(after - before):
                grades = qrels[query.id] if qrels else {}
                hits = (shown_hits(one, grades), shown_hits(other, grades))
                losses.add(Loss(query, before, after, *hits))
    return AnswerComparison(
        queries=sums.queries,
        k=k,
        overlap=sums.overlap / sums.queries,
        rank_biased_overlap=sums.biased / sums.queries,
        same_first=sums.same_first / sums.queries,
        changed=sums.changed,
        moved=sums.moved,
        lost=sums.lost,
        change=difference(*values) if qrels is not None else None,
        worst=losses.worst_first(),
    )


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Common items as a share of the longer list; 1 if both are empty.

    >>> overlap(["a", "b", "c", "d"], ["d", "a", "x"])
    0.5
    """
    longer = max(len(first), len(second))
    return len({*first} & {*second}) / longer if longer else 1.0


def rank_biased_overlap(
    first: Sequence[str], second: Sequence[str], persistence: float = _PERSISTENCE
) -> float:
    """Agreement of two rankings in [0, 1], extrapolated from their length; 1 if both are empty.

    Webber, Moffat, Zobel: "A similarity measure for indefinite rankings", TOIS 2010, equation 32.
    Agreement at a depth is `overlap`, also where one list is shorter.

    Args:
        persistence: Weight of each rank relative to the one before, in (0, 1).
    """
    depth = max(len(first), len(second))
    agreement, total = 1.0, 0.0
    for at in range(1, depth + 1):
        agreement = overlap(first[:at], second[:at])
        total += agreement * persistence ** (at - 1)
    return float((1 - persistence) * total + agreement * persistence**depth)


def _answers(
    first: AnswerSource, second: AnswerSource, queries: Sequence[Query], done: Callable[[], None]
) -> Iterator[_Answers]:
    for query in queries:
        yield query, first.answer(query), second.answer(query)
        done()


def _measured(some: Sequence[_Answers], qrels: Qrels, name: str) -> list[tuple[float, float]]:
    """The measure of both sources for each query."""
    from es_hybrid.evaluation import measures  # the extra `eval`, which a promotion does not need

    codes = {name: measures.MEASURES[name]}
    runs = (
        {query.id: run_of(hit.id for hit in one) for query, one, _ in some},
        {query.id: run_of(hit.id for hit in other) for query, _, other in some},
    )
    before, after = (measures.measure(run, qrels, codes)[name] for run in runs)
    return [(before[query.id], after[query.id]) for query, _, _ in some]


def _first(hits: Sequence[StageHit], k: int) -> list[str]:
    return [hit.id for hit in hits[:k]]
