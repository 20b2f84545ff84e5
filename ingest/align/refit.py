"""Fits weights on the products of the last run."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.engine import read_sides
from es_hybrid.align.evidence import comparisons, features
from es_hybrid.align.fitting import Sample, fit_weights
from es_hybrid.align.journal import Journal
from es_hybrid.align.scoring import Weights, first_scores, scores
from es_hybrid.align.store import writing
from es_hybrid.align.truth import Truth
from es_hybrid.errors import AlignError

__all__ = ["refit"]


def refit(journal: Journal, truth: Truth, target: Path) -> str:
    """Fit weights on the judged pairs of the last run, and write them.

    Returns:
        A line with F1 at 0.9 before and after, fitted on half of the products and measured on the
        other half. The written weights are fitted on all.

    Raises:
        AlignError: too few judged pairs, or the file cannot be written.
    """
    sample, halves = _sample(journal, truth)
    encoder = journal.facts["encoder"]
    if any(sample.same[half].sum() < 2 for half in (halves, ~halves)):
        raise AlignError("too few right pairs to fit", place="--truth", remedy="judge more pairs")
    fitted = fit_weights([_part(sample, halves)], encoder=encoder, fitted_on="one half")
    held_out = _part(sample, ~halves)
    before = f"{_f1(held_out, Weights.read(None)):.3f}"
    weights = fit_weights([sample], encoder=encoder, fitted_on=f"{len(sample.same)} pairs")
    with writing(target):
        weights.write(target)
    return (
        f"weights in {target}; F1 at 0.9 on the held-out half: {before} with the bundled weights, "
        f"{_f1(held_out, fitted):.3f} with weights fitted on the other half"
    )


def _sample(journal: Journal, truth: Truth) -> tuple[Sample, NDArray[np.bool_]]:
    """The judged pairs, and which of them belong to the first half of the left products."""
    sides, pairs = read_sides(journal), journal.found()
    compared = comparisons(pairs, sides.left, sides.right)
    evidence = features(pairs, sides.left, sides.right, compared, same_side=sides.same)
    same = [truth.same(*pair.ids) for pair in pairs]
    known = np.array([each is not None for each in same])
    all_pairs = Sample(
        pairs,
        evidence,
        [sides.languages(pair) for pair in pairs],
        np.array([bool(each) for each in same]),
        sides.same,
    )
    sample = _part(all_pairs, known)
    digests = [hashlib.sha256(pair.left_id.encode()).digest() for pair in sample.pairs]
    return sample, np.array([digest[0] % 2 == 0 for digest in digests])


def _part(sample: Sample, rows: NDArray[np.bool_]) -> Sample:
    chosen = np.flatnonzero(rows).tolist()
    return Sample(
        [sample.pairs[row] for row in chosen],
        sample.evidence[rows],
        [sample.languages[row] for row in chosen],
        sample.same[rows],
        sample.same_side,
    )


def _f1(sample: Sample, weights: Weights) -> float:
    first = first_scores(sample.evidence, weights)
    found = scores(sample.pairs, first, sample.languages, weights, same_side=sample.same_side)
    merged = found >= 0.9
    return float(2 * (merged & sample.same).sum() / max(1, merged.sum() + sample.same.sum()))
