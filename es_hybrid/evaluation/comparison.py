"""Two indices asked the same queries: how far they agree, and which is nearer to the judgements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.evaluation.judgements import Qrels, Query, answerable
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.search import HybridSearch

Runs = tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Means over the queries, all in [0, 1].

    Attributes:
        overlap: Share of the first k hits that both have.
        same_first: Share of the queries with the same first hit.
        judged: Queries with a relevant document; 0 without judgements.
        ndcg: nDCG@10 of the first and of the second index over those; None without any.
    """

    queries: int
    k: int
    overlap: float
    same_first: float
    judged: int = 0
    ndcg: tuple[float, float] | None = None


def compare(
    first: HybridSearch,
    second: HybridSearch,
    queries: Sequence[Query],
    *,
    k: int = 10,
    qrels: Qrels | None = None,
    rerank: bool = False,
    done: Callable[[], None] = lambda: None,
) -> Comparison:
    """Ask both and compare. The two may have embedders of their own.

    Args:
        queries: At least one.
        rerank: Whether a reranker has its say; without it the indices themselves are compared.
        done: Called after each query of each index.

    Raises:
        EvaluationError: a search was degraded.
        EsHybridError: as a search.
    """
    one, other = (
        run_queries(search, queries, mode="hybrid", rerank=rerank, done=done)
        for search in (first, second)
    )
    judged = answerable(list(queries), qrels) if qrels else []
    overlaps = [overlap(best(one[query.id], k), best(other[query.id], k)) for query in queries]
    firsts = [best(one[query.id], 1) == best(other[query.id], 1) for query in queries]
    return Comparison(
        queries=len(queries),
        k=k,
        overlap=sum(overlaps) / len(overlaps),
        same_first=sum(firsts) / len(firsts),
        judged=len(judged),
        ndcg=_ndcg((one, other), judged, qrels) if judged and qrels else None,
    )


def best(scores: Mapping[str, float], k: int) -> list[str]:
    """The first k documents of a run, best first."""
    return sorted(scores, key=lambda id_: -scores[id_])[:k]


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Share of the longer list that both have; 1 where both are empty.

    >>> overlap(["a", "b", "c", "d"], ["d", "a", "x"])
    0.5
    """
    longer = max(len(first), len(second))
    return len({*first} & {*second}) / longer if longer else 1.0


def _ndcg(runs: Runs, judged: Sequence[Query], qrels: Qrels) -> tuple[float, float]:
    from es_hybrid.evaluation.measures import mean, measure

    one, other = (
        mean(measure({query.id: run[query.id] for query in judged}, qrels)["nDCG@10"])
        for run in runs
    )
    return one, other
