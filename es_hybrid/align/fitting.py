"""Fits the weights on pairs with a known truth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.evidence import FEATURES, FoundPair
from es_hybrid.align.scoring import WITNESSES, Weights, first_scores, witnesses

__all__ = ["Sample", "fit", "fit_weights"]

_STEPS = 50
# Every sample has the weight of this many right pairs, regardless of its size.
_COUNT = 1000.0


@dataclass(frozen=True, slots=True)
class Sample:
    """The pairs that blocking found in one catalogue, with the truth.

    Attributes:
        evidence: `[n, len(FEATURES)]`.
        languages: Languages of the left and the right product of each pair.
        same: `[n]`, whether both are the same product.
        same_side: Whether a catalogue was aligned with itself.
    """

    pairs: Sequence[FoundPair]
    evidence: NDArray[np.float64]
    languages: Sequence[tuple[str, str]]
    same: NDArray[np.bool_]
    same_side: bool


def fit_weights(samples: Sequence[Sample], *, encoder: str, fitted_on: str) -> Weights:
    """Fit both regressions, the second on the results of the first.

    Args:
        samples: Each has at least one right and one wrong pair.
        encoder: Model and revision of the vectors.
        fitted_on: A description of the products.
    """
    same = np.concatenate([sample.same for sample in samples])
    counts = np.concatenate(
        [np.full(len(sample.same), _COUNT / sample.same.sum()) for sample in samples]
    )
    bias, pair = fit(np.concatenate([sample.evidence for sample in samples]), same, counts)
    weights = Weights(
        encoder=encoder,
        fitted_on=fitted_on,
        bias=bias,
        pair=dict(zip(FEATURES, pair.tolist(), strict=True)),
        witness_bias=0.0,
        witness=dict.fromkeys(WITNESSES, 0.0),
    )
    columns = [
        witnesses(
            sample.pairs,
            first_scores(sample.evidence, weights),
            sample.languages,
            same_side=sample.same_side,
        )
        for sample in samples
    ]
    witness_bias, witness = fit(np.concatenate(columns), same, counts)
    return replace(
        weights,
        witness_bias=witness_bias,
        witness=dict(zip(WITNESSES, witness.tolist(), strict=True)),
    )


def fit(
    columns: NDArray[np.float64],
    same: NDArray[np.bool_],
    counts: NDArray[np.float64],
    *,
    ridge: float = 1.0,
) -> tuple[float, NDArray[np.float64]]:
    """Logistic regression by iteratively reweighted least squares, with a ridge.

    Args:
        columns: `[n, d]`; standardized internally, so that the penalty treats them alike.
        same: `[n]`, the truth.
        counts: `[n]`, weight of each row.
        ridge: Penalty on the standardized coefficients.

    Returns:
        Bias, and coefficients `[d]` for the original columns.
    """
    mean, deviation = columns.mean(axis=0), columns.std(axis=0)
    deviation[deviation == 0] = 1.0
    rows = np.column_stack([np.ones(len(columns)), (columns - mean) / deviation])
    penalty = np.full(rows.shape[1], ridge)
    penalty[0] = 1e-6
    found = np.zeros(rows.shape[1])
    for _ in range(_STEPS):
        chance = 1 / (1 + np.exp(-rows @ found))
        gradient = rows.T @ (counts * (chance - same)) + penalty * found
        hessian = (rows * (counts * chance * (1 - chance))[:, None]).T @ rows + np.diag(penalty)
        step = np.linalg.solve(hessian, gradient)
        found -= step
        if np.abs(step).max() < 1e-8:
            break
    coefficients = found[1:] / deviation
    return float(found[0] - coefficients @ mean), coefficients
