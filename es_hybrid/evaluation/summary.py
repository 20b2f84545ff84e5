"""The measures of the stages as rows: for a table, as JSON, and for the report."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from es_hybrid.evaluation.collector import StageMeasures
from es_hybrid.evaluation.differences import FIRST, difference
from es_hybrid.evaluation.measures import MEASURES
from es_hybrid.evaluation.stages import before_reranking

By = Literal["language", "class"]
ALL = "all"
# What differences are tested for.
TESTED = ("nDCG@10", "nDCG@10 judged only")
_PERCENTILES = (50, 95, 99)
# Share of the gain of the deepest reranking at which more depth hardly pays.
_MOST = 0.9


def summarize(measured: StageMeasures, *, by: By | None = None) -> dict[str, Any]:
    """All figures, ready for JSON.

    Returns:
        `stages`: a row for each group and stage; `differences`: for each group, measure and pair
        of stages; `recall`, `rerank_depths`, `latency_ms`, `cost`.
    """
    groups = _groups(measured, by)
    return {
        "queries": len(measured.queries),
        "stages": [
            _stage_row(measured, stage, group, places)
            for group, places in groups.items()
            for stage in measured.stages
        ],
        "differences": [
            _difference_row(measured, pair, name, group, places)
            for group, places in groups.items()
            for name in TESTED
            for pair in measured.compared()
        ],
        "recall": [{"stage": stage, **_means(measured.recall[stage])} for stage in measured.stages],
        "rerank_depths": _depth_rows(measured),
        "rerank_depth_for_90_percent": depth_for_most(measured),
        "latency_ms": [_latency_row(name, spent) for name, spent in measured.milliseconds.items()],
        "cost": {
            "embedded_characters": measured.characters,
            "reranked_pairs": measured.pairs,
            "pairs_scored_for_other_depths": measured.more_pairs,
        },
    }


def depth_for_most(measured: StageMeasures) -> int | None:
    """The smallest measured depth with 90 % of the gain of the deepest; None without a gain."""
    if not measured.at_depth:
        return None
    fused = measured.values[before_reranking(measured.stages)]["nDCG@10"].mean()
    gains = {depth: float(values.mean() - fused) for depth, values in measured.at_depth.items()}
    whole = gains[max(gains)]
    if whole <= 0:
        return None
    return min(depth for depth, gain in gains.items() if gain >= _MOST * whole)


def depth_grid(depths: Sequence[int], size: int) -> list[int]:
    """The rerank depths of interest, and every fifth up to the largest, to find where it pays."""
    wanted = {depth for depth in depths if depth <= size}
    return sorted({*wanted, *range(5, max(wanted, default=0), 5)})


def _groups(measured: StageMeasures, by: By | None) -> dict[str, Sequence[int]]:
    """Group -> places of its queries."""
    groups: dict[str, list[int]] = {}
    for place, query in enumerate(measured.queries):
        if by is not None:
            name = query.lang if by == "language" else query.kind
            groups.setdefault(name or "?", []).append(place)
    return {ALL: range(len(measured.queries)), **groups}


def _stage_row(
    measured: StageMeasures, stage: Any, group: str, places: Sequence[int]
) -> dict[str, Any]:
    chosen = list(places)
    return {
        "group": group,
        "queries": len(places),
        "stage": stage,
        **_means({name: measured.values[stage][name][chosen] for name in MEASURES}),
        f"Unjudged@{FIRST}": float(measured.unjudged[stage][chosen].mean()),
    }


def _difference_row(
    measured: StageMeasures, pair: Any, name: str, group: str, places: Sequence[int]
) -> dict[str, Any]:
    first, second = (measured.values[stage][name][list(places)] for stage in pair)
    figures = dataclasses.asdict(difference(first, second))
    return {"group": group, "measure": name, "from": pair[0], "to": pair[1], **figures}


def _depth_rows(measured: StageMeasures) -> list[dict[str, Any]]:
    rows = []
    before = before_reranking(measured.stages)
    for depth, values in measured.at_depth.items():
        gained = difference(measured.values[before]["nDCG@10"], values)
        gain = {"gain": gained.mean, "interval": gained.interval, "p": gained.p}
        rows.append({"depth": depth, "nDCG@10": gained.means[1], **gain})
    return rows


def _latency_row(name: str, spent: Any) -> dict[str, Any]:
    values = np.percentile(spent, _PERCENTILES)
    figures = zip(_PERCENTILES, values.tolist(), strict=True)
    return {"of": name, **{f"p{which}": round(value, 2) for which, value in figures}}


def _means(values: Mapping[str, Any]) -> dict[str, float]:
    return {name: float(each.mean()) for name, each in values.items()}
