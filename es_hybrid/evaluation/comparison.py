"""Compare two indices on the same queries: how much they agree, and which matches judgements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.evaluation.judgements import Qrels, Query, answerable
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.search import HybridSearch

Runs = tuple[Mapping[str, Mapping[str, float]], Mapping[str, Mapping[str, float]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexComparison:
    """How two indices answer the same queries. Shares and nDCG are in [0, 1].

    Attributes:
        overlap: Share of the first k hits in common, mean over the queries.
        same_first: Share of the queries with the same first hit.
        judged: Queries with a relevant document; 0 without judgements.
        ndcg: nDCG@10 of the first and the second index over the judged queries; None if there are
            none.
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
) -> IndexComparison:
    """Search both and compare the hits. Each may have its own embedder.

    Args:
        queries: At least one.
        rerank: Whether to rerank; without it the indices themselves are compared.
        done: Called after each query of each index.

    Raises:
        EvaluationError: a search was degraded.
        EsHybridError: as in `HybridSearch.search`.
    """
    one, other = (
        run_queries(search, queries, mode="hybrid", rerank=rerank, done=done)
        for search in (first, second)
    )
    judged = answerable(list(queries), qrels) if qrels else []
    overlaps = [overlap(best(one[query.id], k), best(other[query.id], k)) for query in queries]
    firsts = [best(one[query.id], 1) == best(other[query.id], 1) for query in queries]
    return IndexComparison(
        queries=len(queries),
        k=k,
        overlap=sum(overlaps) / len(overlaps),
        same_first=sum(firsts) / len(firsts),
        judged=len(judged),
        ndcg=_ndcg((one, other), judged, qrels) if judged and qrels else None,
    )


def best(scores: Mapping[str, float], k: int) -> list[str]:
    """The k best documents of a run, best first."""
    return sorted(scores, key=lambda id_: -scores[id_])[:k]


def overlap(first: Sequence[str], second: Sequence[str]) -> float:
    """Common items as a share of the longer list; 1 if both are empty.

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
