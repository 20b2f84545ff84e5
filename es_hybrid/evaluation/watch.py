"""Alarms about answers that have moved away from golden ones."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.answers import AnswerSource, Snapshot
from es_hybrid.evaluation.comparison import overlap


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftLimits:
    """What is no alarm yet. Overlaps are shares of the first k hits, in [0, 1].

    Attributes:
        overlap: Least overlap of each query.
        mean_overlap: Least mean over all queries.
    """

    overlap: float
    mean_overlap: float
    k: int


def alarms(golden: Snapshot, live: AnswerSource, limits: DriftLimits) -> Iterator[str]:
    """Ask every query of a snapshot, and yield one line for each alarm, the mean's last.

    A query without an answer counts as an overlap of 0.

    Raises:
        EsHybridError: the search cannot be asked at all.
    """
    overlaps = []
    for query in golden.queries:
        name = f"query {query.id} ({' '.join(query.text.split())})"
        wanted = [hit.id for hit in golden.answer(query)[: limits.k]]
        try:
            found = [hit.id for hit in live.answer(query)[: limits.k]]
        except EvaluationError as error:
            overlaps.append(0.0)
            yield f"{name}: {' '.join(error.message.split())}"
            continue
        overlaps.append(overlap(wanted, found))
        if overlaps[-1] < limits.overlap:
            yield f"{name}: overlap@{limits.k} {overlaps[-1]:.2f}, {_moved(wanted, found)}"
    mean = sum(overlaps) / len(overlaps)
    if mean < limits.mean_overlap:
        yield f"mean overlap@{limits.k} of {len(overlaps)} queries: {mean:.3f}"


def _moved(wanted: list[str], found: list[str]) -> str:
    """How the first hit changed."""
    before, after = (ids[0] if ids else "nothing" for ids in (wanted, found))
    return f"first hit {before}" if before == after else f"first hit {before} -> {after}"
