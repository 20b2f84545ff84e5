"""Measures what a reranker adds to the search, on judged queries.

The measure is judged-only nDCG@10 without and with the reranker. The confidence interval is a
percentile bootstrap over queries (10,000 draws).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import Run, measure
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.search import HybridSearch
from es_hybrid.settings import RerankSettings, Settings
from training.data import CHORUS, SAMPLE

__all__ = [
    "GAIN",
    "Figures",
    "compare",
    "judged_sets",
    "losing",
    "measure_gain",
    "passing",
    "sample_sets",
]

GAIN = 0.02  # minimum gain for a language to be listed in the model's manifest
_MEASURE = "nDCG@10 judged only"
_DRAWS = 10_000


@dataclass(frozen=True, slots=True)
class Figures:
    """Results for the queries of one language.

    Attributes:
        queries: Number of queries.
        before, after: Mean over the queries, in [0, 1].
        low, high: 95 % confidence interval of the gain.
    """

    language: str
    queries: int
    before: float
    after: float
    low: float
    high: float

    @property
    def gain(self) -> float:
        """Mean improvement from reranking."""
        return self.after - self.before

    def __str__(self) -> str:
        """One table row."""
        return (
            f"{self.language:<4}{self.queries:>5}{self.before:>8.3f}{self.after:>8.3f}"
            f"{self.gain:>+8.3f}  [{self.low:+.3f}, {self.high:+.3f}]"
        )


def judged_sets() -> tuple[list[Query], Qrels]:
    """Judged development queries of chorus in English and five more languages."""
    queries: list[Query] = []
    qrels: Qrels = {}
    for form in ("", ".i18n"):
        judged = read_qrels(CHORUS / f"qrels{form}.txt")
        queries += answerable(read_queries(CHORUS / f"queries{form}.tsv"), judged)
        qrels |= judged
    return queries, qrels


def sample_sets() -> tuple[list[Query], Qrels]:
    """Judged queries of the sample catalogue."""
    qrels = read_qrels(SAMPLE / "qrels.txt")
    return answerable(read_queries(SAMPLE / "queries.tsv"), qrels), qrels


def passing(chorus: Sequence[Figures], sample: Sequence[Figures]) -> tuple[str, ...]:
    """Languages that gain at least `GAIN` on chorus and lose nothing on the sample catalogue.

    The interval of the gain must be above 0. A language without queries in the sample catalogue
    does not pass.
    """
    kept = {one.language for one in sample} - losing(sample)
    return tuple(
        one.language for one in chorus if one.gain >= GAIN and one.low > 0 and one.language in kept
    )


def losing(sample: Sequence[Figures]) -> set[str]:
    """Languages whose queries find less with the reranker."""
    return {one.language for one in sample if one.gain < 0}


def measure_gain(
    settings: Settings, model: Path, queries: Sequence[Query], qrels: Qrels
) -> list[Figures]:
    """Search with and without the reranker and compare the results by language.

    Args:
        settings: Settings of a loaded index.
        model: Folder of the reranker.
    """
    runs = []
    for rerank in (RerankSettings(enabled=False), RerankSettings(model=model)):
        with HybridSearch.open(settings.model_copy(update={"rerank": rerank})) as search:
            runs.append(run_queries(search, queries, mode="hybrid"))
    return compare(queries, qrels, *runs)


def compare(queries: Sequence[Query], qrels: Qrels, before: Run, after: Run) -> list[Figures]:
    """Compare two runs over the same queries by language."""
    old, new = measure(before, qrels)[_MEASURE], measure(after, qrels)[_MEASURE]
    languages = dict.fromkeys(query.lang for query in queries)
    return [
        _figures(language, [query.id for query in queries if query.lang == language], old, new)
        for language in languages
    ]


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
