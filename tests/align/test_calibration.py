"""Scores held against the truth: counts worked out by hand, intervals that hold what they say."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from es_hybrid.align.calibration import JudgedPairs, calibrate, judged_pairs
from es_hybrid.align.curve import draw
from es_hybrid.align.journal import Journal
from es_hybrid.align.truth import Truth
from es_hybrid.errors import AlignError
from es_hybrid.settings import AlignSettings
from tests.align.stores import small_store


def _judged(pairs: int, *, missed: int = 0, shift: float = 0.0) -> JudgedPairs:
    """Pairs whose score is exactly the chance that they are right, or off by `shift`."""
    chance = np.random.default_rng(5)
    true = chance.random(pairs)
    same = chance.random(pairs) < true
    scores = np.clip(true + shift, 0, 0.999)
    products = np.arange(pairs) // 2
    return JudgedPairs(scores, same, products, np.arange(missed))


def test_precision_recall_and_f1_by_hand() -> None:
    judged = JudgedPairs(
        np.array([0.95, 0.92, 0.8, 0.3]),
        np.array([True, False, True, True]),
        np.array([0, 1, 2, 3]),
        np.array([4]),
    )
    merge = calibrate(judged, AlignSettings(), precision=0.9).points["merge"]
    assert (merge.precision, merge.recall) == (0.5, 0.25)
    assert merge.f1 == pytest.approx(1 / 3)


def test_probabilities_are_found_to_be_probabilities() -> None:
    found = calibrate(_judged(20_000), AlignSettings(), precision=0.9)
    assert found.error < 0.02
    assert not any("off by" in warning for warning in found.warnings)
    reaching = found.points["precision 0.9"]
    assert reaching.precision >= 0.9
    assert reaching.threshold == pytest.approx(0.8, abs=0.05)  # above it the mean chance is 0.9
    for point in found.points.values():
        assert point.low[0] <= point.precision <= point.high[0]


def test_the_interval_holds_the_truth_as_often_as_it_says() -> None:
    held = 0
    for seed in range(40):
        chance = np.random.default_rng(seed)
        judged = JudgedPairs(np.full(200, 0.95), chance.random(200) < 0.8, np.arange(200),
                        np.array([], int))  # fmt: skip
        point = calibrate(judged, AlignSettings(), precision=0.5).points["merge"]
        held += point.low[0] <= 0.8 <= point.high[0]
    assert held >= 35


def test_scores_that_are_no_probabilities_are_warned_of() -> None:
    found = calibrate(_judged(5000, shift=0.3), AlignSettings(), precision=0.98)
    assert any("scores are off by" in warning for warning in found.warnings)
    assert any("merged at align.merge = 0.9 are wrong" in warning for warning in found.warnings)
    few = calibrate(_judged(12), AlignSettings(), precision=0.98)
    assert any("judge more" in warning for warning in few.warnings)


def test_what_blocking_missed_counts_against_recall() -> None:
    whole = calibrate(_judged(2000), AlignSettings(), precision=0.9)
    missed = calibrate(_judged(2000, missed=500), AlignSettings(), precision=0.9)
    assert missed.points["merge"].recall < whole.points["merge"].recall
    assert missed.pairs[1] == whole.pairs[1] + 500


def test_records_are_joined_with_the_truth(tmp_path: Path) -> None:
    records = list(Journal(small_store(tmp_path / "s.sqlite")).records())
    truth = Truth({"de-0": "0", "en-0": "0", "de-1": "1", "en-1": "x", "fr-0": "0"}, {})
    slots = {"de-0": "left de", "en-0": "right en", "de-1": "left de", "fr-0": "right fr"}
    judged = judged_pairs(records, truth, slots)
    assert judged.scores.tolist() == [0.95, 0.85]
    assert judged.same.tolist() == [True, False]
    assert len(judged.missed) == 2  # both pairs of fr-0
    with pytest.raises(AlignError, match="0 of the 0 judged pairs are right"):
        judged_pairs(records, Truth({"other": "1"}, {}), slots)


def test_the_curves_are_a_picture(tmp_path: Path) -> None:
    found = calibrate(_judged(500), AlignSettings(), precision=0.9)
    draw(found, tmp_path / "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG\r\n")
    with pytest.raises(AlignError, match="cannot be written"):
        draw(found, tmp_path / "absent" / "curve.png")
