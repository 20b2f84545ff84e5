"""Retrieval measures, computed by ir_measures (which uses pytrec_eval).

nDCG follows Järvelin and Kekäläinen 2002, with the grade as gain. The judged-only form removes
unjudged documents before it truncates the list (Sakai 2007): pools built from keyword results
penalize a vector search for finding documents outside the pool.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.errors import MissingExtra
from es_hybrid.evaluation.judgements import Qrels, Query

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
    "Judged@10": "Judged@10",
}


def measure(run: Run, qrels: Qrels) -> dict[str, dict[str, float]]:
    """Measure -> query id -> value in [0, 1], for the queries of `run`.

    A query without hits counts as 0.
    """
    parsed = {name: ir_measures.parse_measure(code) for name, code in MEASURES.items()}
    found = {query: hits for query, hits in run.items() if hits}
    judged = {query: qrels[query] for query in found}
    values = {name: dict.fromkeys(run, 0.0) for name in parsed}
    names = {measure: name for name, measure in parsed.items()}
    for metric in ir_measures.iter_calc(list(parsed.values()), judged, found):
        values[names[metric.measure]][metric.query_id] = metric.value
    return values


def mean(values: Mapping[str, float]) -> float:
    """The mean over the queries; 0 without queries."""
    return sum(values.values()) / len(values) if values else 0.0


def summarize(
    runs: Mapping[str, Run], qrels: Qrels, queries: Sequence[Query], *, by_language: bool
) -> list[dict[str, Any]]:
    """One row per language and mode: `{"lang", "queries", "mode", <measure>: mean in [0, 1]}`.

    Args:
        runs: Mode -> run.
        by_language: Add rows per query language to the rows for `all`.
    """
    groups = {"all": [query.id for query in queries]}
    if by_language:
        for query in queries:
            groups.setdefault(query.lang or "?", []).append(query.id)
    values = {mode: measure(run, qrels) for mode, run in runs.items()}
    return [
        {
            "lang": lang,
            "queries": len(ids),
            "mode": mode,
            **{name: mean({id_: values[mode][name][id_] for id_ in ids}) for name in MEASURES},
        }
        for lang, ids in groups.items()
        for mode in runs
    ]
