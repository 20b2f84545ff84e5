"""What a reranker does to the fused lists of the judged queries.

The measure is judged-only nDCG@10 of the search's list, before and after its first 50 hits are
put into the reranker's order. The interval is a bootstrap over queries (percentile, 10,000 draws).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import Run, measure
from training.catalogue import SHARED

__all__ = ["GAIN", "WINDOW", "Figures", "Score", "compare", "judged_sets", "measure_gain"]

GAIN = 0.02  # that a language must reach to be named by the model
WINDOW = 50
_MEASURE = "nDCG@10 judged only"
_DRAWS = 10_000

# Query and documents -> `[n]` scores, as `Reranker.score`.
Score = Callable[[str, Sequence[str]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Figures:
    """The queries of one language.

    Attributes:
        before, after: Means over the queries, in [0, 1].
        low, high: 95 % interval of their difference.
    """

    language: str
    queries: int
    before: float
    after: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """What reranking adds."""
        return self.after - self.before

    def __str__(self) -> str:
        """One line of a table."""
        return (
            f"{self.language:<4}{self.queries:>5}{self.before:>8.3f}{self.after:>8.3f}"
            f"{self.gain:>+8.3f}  [{self.low:+.3f}, {self.high:+.3f}]"
        )


def judged_sets() -> tuple[list[Query], Qrels]:
    """The judged development queries in English and five more languages, with judgements."""
    queries: list[Query] = []
    qrels: Qrels = {}
    for form in ("", ".i18n"):
        judged = read_qrels(SHARED / f"chorus-icecat/qrels{form}.txt")
        queries += answerable(read_queries(SHARED / f"chorus-icecat/queries{form}.tsv"), judged)
        qrels |= judged
    return queries, qrels


def measure_gain(
    queries: Sequence[Query],
    qrels: Qrels,
    fused: Callable[[str], Sequence[str]],
    texts: Callable[[str], str],
    score: Score,
) -> list[Figures]:
    """The figures of each language for a reranker that is asked by itself.

    Args:
        fused: Query text -> ids of its fused list.
        texts: Id -> what the reranker reads.
    """
    before = {query.id: list(fused(query.text)) for query in queries}
    after = {}
    for query in queries:
        top, rest = before[query.id][:WINDOW], before[query.id][WINDOW:]
        scores = score(query.text, [texts(id_) for id_ in top])
        after[query.id] = [top[at] for at in np.argsort(-scores, kind="stable")] + rest
    return compare(queries, qrels, _run(before), _run(after))


def compare(queries: Sequence[Query], qrels: Qrels, before: Run, after: Run) -> list[Figures]:
    """The figures of each language for two runs over the same queries."""
    old, new = measure(before, qrels)[_MEASURE], measure(after, qrels)[_MEASURE]
    languages = dict.fromkeys(query.lang for query in queries)
    return [
        _figures(language, [query.id for query in queries if query.lang == language], old, new)
        for language in languages
    ]


def _run(lists: dict[str, list[str]]) -> Run:
    return {id_: {doc: 1 / rank for rank, doc in enumerate(ids, 1)} for id_, ids in lists.items()}


def _figures(
    language: str, ids: Sequence[str], old: dict[str, float], new: dict[str, float]
) -> Figures:
    before = np.array([old[id_] for id_ in ids])
    after = np.array([new[id_] for id_ in ids])
    draws = np.random.default_rng(0).integers(len(ids), size=(_DRAWS, len(ids)))
    low, high = np.quantile((after - before)[draws].mean(axis=1), (0.025, 0.975))
    return Figures(
        language=language.split("-")[0],
        queries=len(ids),
        before=float(before.mean()),
        after=float(after.mean()),
        low=float(low),
        high=float(high),
    )
