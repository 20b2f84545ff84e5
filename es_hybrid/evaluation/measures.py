"""Retrieval measures, computed by ir_measures (which uses pytrec_eval).

nDCG follows Järvelin and Kekäläinen 2002, with the grade as gain. The judged-only form removes
unjudged documents before it truncates the list (Sakai 2007): pools built from keyword results
penalize a vector search for finding documents outside the pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from es_hybrid.errors import MissingExtra
from es_hybrid.evaluation.judgements import Qrels

try:
    import ir_measures
except ModuleNotFoundError:
    raise MissingExtra("ir_measures, which computes the measures,", "eval") from None

# Query id -> document id -> score; higher is better.
Run = Mapping[str, Mapping[str, float]]

MEASURES = {
    "nDCG@10": "nDCG@10",
    "nDCG@10 judged only": "nDCG(judged_only=True)@10",
    "Recall@100": "R@100",
    "RR": "RR",
    "P@10": "P@10",
    "Judged@10": "Judged@10",
}
NDCG = {"nDCG@10": "nDCG@10"}


def recalls(size: int) -> dict[str, str]:
    """Measures of the recall by depth, for lists of this many hits."""
    depths = [depth for depth in (1, 5, 10, 20, 50, 100, 200, 500, 1000) if depth < size]
    return {f"Recall@{depth}": f"R@{depth}" for depth in (*depths, size)}


def measure(
    run: Run, qrels: Qrels, measures: Mapping[str, str] = MEASURES
) -> dict[str, dict[str, float]]:
    """Measure -> query id -> value in [0, 1], for the queries of `run`.

    A query without hits counts as 0. A document with a grade of 1 or more is relevant.

    Args:
        measures: Name -> code of ir_measures.
    """
    parsed = {name: ir_measures.parse_measure(code) for name, code in measures.items()}
    found = {query: hits for query, hits in run.items() if hits}
    judged = {query: qrels[query] for query in found}
    values = {name: dict.fromkeys(run, 0.0) for name in parsed}
    names = {measure: name for name, measure in parsed.items()}
    for metric in ir_measures.iter_calc(list(parsed.values()), judged, found):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def measure_lists(
    lists: Sequence[tuple[str, ...]], grades: Mapping[str, int], measures: Mapping[str, str]
) -> dict[str, list[float]]:
    """Measure -> value in [0, 1] of each list of ids, best first, for one query."""
    names = {ids: str(number) for number, ids in enumerate(dict.fromkeys(lists))}
    run = {name: {id_: 1 / rank for rank, id_ in enumerate(ids, 1)} for ids, name in names.items()}
    found = measure(run, {name: dict(grades) for name in run}, measures)
    return {name: [values[names[ids]] for ids in lists] for name, values in found.items()}


def mean(values: Mapping[str, float]) -> float:
    """The mean over the queries; 0 without queries."""
    return sum(values.values()) / len(values) if values else 0.0
