"""Agreement of judges beyond chance.

Cohen's kappa for two judges (Cohen 1960; with weights, Cohen 1968), and Krippendorff's alpha for
any number of them, also if each judged other products (Krippendorff 2011).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.judging.store import Judged, judges_of

AgreementWeights = Literal["none", "quadratic"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PairAgreement:
    """How two judges agree on the pairs that both judged.

    Attributes:
        same: Share of the pairs with the same grade, in [0, 1].
        kappa: Cohen's kappa; None if undefined, as when both gave one grade only.
        weighted: The same with quadratic weights: a grade off by one counts little.
    """

    first: str
    second: str
    pairs: int
    same: float
    kappa: float | None
    weighted: float | None


def cohen_kappa(
    first: Sequence[int], second: Sequence[int], *, weights: AgreementWeights = "none"
) -> float | None:
    """Cohen's kappa of the grades of two judges for the same pairs; at most 1, 0 is chance.

    Returns:
        None without pairs, or if both judges gave the same single grade.
    """
    values = sorted({*first, *second})
    place = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(values), len(values)))
    for one, other in zip(first, second, strict=True):
        table[place[one], place[other]] += 1
    disagreement = _disagreement(np.array(values, dtype=float), weights)
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / max(table.sum(), 1)
    by_chance = float((disagreement * expected).sum())
    return None if by_chance == 0 else 1 - float((disagreement * table).sum()) / by_chance


def krippendorff_alpha(units: Iterable[Sequence[int]], *, ordinal: bool = True) -> float | None:
    """Krippendorff's alpha; at most 1, 0 is chance.

    Args:
        units: The grades of each pair, by all who judged it; pairs with one grade do not count.
        ordinal: Whether grades are ordered, so that 0 and 3 differ more than 2 and 3.

    Returns:
        None if no pair has two grades, or all grades are the same.
    """
    paired = [unit for unit in units if len(unit) > 1]
    values = sorted({value for unit in paired for value in unit})
    place = {value: number for number, value in enumerate(values)}
    coincidences = np.zeros((len(values), len(values)))
    for unit in paired:
        counts = np.bincount([place[value] for value in unit], minlength=len(values))
        coincidences += (np.outer(counts, counts) - np.diag(counts)) / (len(unit) - 1)
    marginals = coincidences.sum(axis=0)
    total = float(marginals.sum())
    difference = _ordinal(marginals) if ordinal else 1 - np.eye(len(values))
    expected = float((difference * np.outer(marginals, marginals)).sum())
    if expected == 0:
        return None
    return 1 - (total - 1) * float((difference * coincidences).sum()) / expected


def agreements(judged: Judged) -> list[PairAgreement]:
    """The agreement of every two judges who judged a pair in common, by name."""
    found = []
    for first, second in combinations(judges_of(judged.values()), 2):
        common = [by_judge for by_judge in judged.values() if {first, second} <= by_judge.keys()]
        if common:
            ones = [by_judge[first].grade or 0 for by_judge in common]
            others = [by_judge[second].grade or 0 for by_judge in common]
            found.append(agreement(first, second, ones, others))
    return found


def agreement(first: str, second: str, ones: Sequence[int], others: Sequence[int]) -> PairAgreement:
    """The agreement of two judges, from their grades for the same pairs; at least one pair."""
    same = sum(one == other for one, other in zip(ones, others, strict=True))
    return PairAgreement(
        first=first,
        second=second,
        pairs=len(ones),
        same=same / len(ones),
        kappa=cohen_kappa(ones, others),
        weighted=cohen_kappa(ones, others, weights="quadratic"),
    )


def _disagreement(values: NDArray[np.float64], weights: AgreementWeights) -> NDArray[np.float64]:
    """How much two grades differ."""
    distance = values[:, None] - values[None, :]
    squared: NDArray[np.float64] = distance**2
    return squared if weights == "quadratic" else (squared > 0).astype(float)


def _ordinal(marginals: NDArray[np.float64]) -> NDArray[np.float64]:
    """The squared number of grades between two, counted by how often they were given."""
    before = np.cumsum(marginals) - marginals / 2
    squared: NDArray[np.float64] = (before[:, None] - before[None, :]) ** 2
    return squared
