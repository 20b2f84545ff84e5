"""What a run of tuning writes: the settings to change, and why."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from es_hybrid.evaluation.tuning.scores import TrialScores
from es_hybrid.evaluation.tuning.search import CONFIDENCE, PRESENT, Verdict
from es_hybrid.evaluation.tuning.space import SettingsChange
from es_hybrid.evaluation.tuning.split import Group, QuerySplit


def toml(change: SettingsChange) -> str:
    """The change as sections of `es-hybrid.toml`."""
    sections = itertools.groupby(sorted(change), key=lambda name: name.partition(".")[0])
    return "\n".join(
        "\n".join([f"[{section}]", *(_line(name, change[name]) for name in names), ""])
        for section, names in sections
    )


def evidence(
    verdict: Verdict, scores: TrialScores, parts: QuerySplit, *, measure: str
) -> dict[str, Any]:
    """Verdict, parts and every trial, as JSON."""
    return {
        "adopted": verdict.adopted,
        "change": dict(scores.changes[verdict.trial]),
        "measure": measure,
        "gain": verdict.gain,
        "interval": [None if np.isinf(end) else end for end in verdict.interval],
        "confidence": CONFIDENCE,
        "p": verdict.p,
        "tuned_on": _part(scores, verdict.trial, parts.tuned),
        "held_out": _part(scores, verdict.trial, parts.held_out),
        "trials": list(_trials(scores, parts.tuned)),
    }


def _part(scores: TrialScores, trial: int, groups: list[Group]) -> dict[str, Any]:
    """Means over the groups, and the values of each query before and after the change."""
    return {
        "groups": len(groups),
        "before": float(np.mean(scores.of(PRESENT, groups))),
        "after": float(np.mean(scores.of(trial, groups))),
        "queries": {
            query.id: [scores.value(number, query) for number in (PRESENT, trial)]
            for group in groups
            for query in group
        },
    }


def _trials(scores: TrialScores, groups: list[Group]) -> Iterator[dict[str, Any]]:
    """Each trial with its mean, and that of the present settings, on the groups that it reached."""
    for number, change in enumerate(scores.changes):
        known = scores.known(number, groups)
        yield {
            "change": dict(change),
            "groups": len(known),
            "mean": float(np.mean(scores.of(number, known))),
            "present": float(np.mean(scores.of(PRESENT, known))),
        }


def _line(name: str, value: Any) -> str:
    """JSON's strings, numbers, booleans and lists are TOML's as well."""
    return f"{name.partition('.')[2]} = {json.dumps(value, ensure_ascii=False)}"
