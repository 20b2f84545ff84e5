"""The measures, computed by ir_measures (which asks pytrec_eval).

nDCG: Järvelin, Kekäläinen 2002, with the grade as gain. The judged-only form drops what nobody
judged before it cuts the list (Sakai 2007): pools made from keyword results punish a vector search
for finding what they did not hold.
"""

from __future__ import annotations

from collections.abc import Mapping

from es_hybrid.errors import MissingExtra
from es_hybrid.evaluation.judgements import Qrels

try:
    import ir_measures
except ModuleNotFoundError:
    raise MissingExtra("ir_measures, which computes the measures,", "eval") from None

# Query id -> document id -> score, the higher the better.
Run = Mapping[str, Mapping[str, float]]

MEASURES = {
    "nDCG@10": "nDCG@10",
    "nDCG@10 judged only": "nDCG(judged_only=True)@10",
    "Recall@100": "R@100",
    "Judged@10": "Judged@10",
}


def measure(run: Run, qrels: Qrels) -> dict[str, dict[str, float]]:
    """Measure -> query id -> value in [0, 1], for the queries of `run`.

    A query without a hit counts 0, and is not left out.
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
    """The mean over queries; 0 without any."""
    return sum(values.values()) / len(values) if values else 0.0
