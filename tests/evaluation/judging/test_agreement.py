"""Agreement, against published values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, repeat
from pathlib import Path

import pytest

from es_hybrid.evaluation.judging.agreement import (
    agreement,
    agreements,
    cohen_kappa,
    krippendorff_alpha,
)
from es_hybrid.evaluation.judging.store import JudgementStore
from tests.evaluation.judging.items import POOL

# Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", section D: four observers, twelve
# units, missing values as 0. Published: nominal .743, ordinal .815.
OBSERVERS = ("123321412000", "123322412503", "033323422510", "123324412510")
UNITS = [[int(value) for value in unit if value != "0"] for unit in zip(*OBSERVERS, strict=True)]


def _table(rows: Sequence[Sequence[int]]) -> tuple[list[int], list[int]]:
    """The grades of two judges whose counts are this table."""
    cells = [(i, j, count) for i, row in enumerate(rows) for j, count in enumerate(row)]
    both = list(chain.from_iterable(repeat((i, j), count) for i, j, count in cells))
    return [i for i, _ in both], [j for _, j in both]


def test_alpha_is_krippendorffs() -> None:
    assert krippendorff_alpha(UNITS, ordinal=False) == pytest.approx(0.743, abs=0.0005)
    assert krippendorff_alpha(UNITS) == pytest.approx(0.815, abs=0.0005)


@pytest.mark.parametrize(
    ("rows", "kappa"),
    [
        # Cohen 1960, table 1, in 200 pairs: kappa .492.
        ([[88, 10, 2], [14, 40, 6], [18, 10, 12]], 0.492),
        # A common example (20 and 15 agreements of 50): exactly .4.
        ([[20, 5], [10, 15]], 0.4),
    ],
)
def test_kappa_is_cohens(rows: list[list[int]], kappa: float) -> None:
    assert cohen_kappa(*_table(rows)) == pytest.approx(kappa, abs=0.0005)


def test_quadratic_weights_forgive_what_is_nearly_the_same() -> None:
    near, far = ([0, 1, 2, 3], [1, 2, 3, 3]), ([0, 1, 2, 3], [3, 1, 2, 0])
    # By hand: the squared differences are 3 and 18; of all 16 combinations they are 40, / 4 = 10.
    assert cohen_kappa(*near, weights="quadratic") == pytest.approx(1 - 3 / 10)
    assert cohen_kappa(*far, weights="quadratic") == pytest.approx(1 - 18 / 10)
    # Two grades have one distance: weights change nothing.
    assert cohen_kappa(*_table([[20, 5], [10, 15]]), weights="quadratic") == pytest.approx(0.4)


def test_perfect_and_undefined_agreement() -> None:
    assert cohen_kappa([0, 3, 1], [0, 3, 1]) == 1
    assert krippendorff_alpha([[0, 0], [3, 3, 3]]) == 1
    assert cohen_kappa([], []) is None
    assert cohen_kappa([2, 2], [2, 2]) is None
    assert krippendorff_alpha([[1], [2], [3]]) is None
    assert krippendorff_alpha([[1, 1], [1, 1]]) is None


def test_judges_are_compared_on_what_both_judged(tmp_path: Path) -> None:
    store = JudgementStore(tmp_path / "judgements.jsonl")
    for each, ann, bob in zip(POOL, (0, 1, 3, 3), (0, 2, 3, 1), strict=False):
        store.judge(each, ann, "Ann")
        store.judge(each, bob, "Bob")
    store.judge(POOL[5], 2, "Ann")
    store.judge(POOL[6], 2, "Cy")
    (found,) = agreements(store.read())
    assert found == agreement("Ann", "Bob", (0, 1, 3, 3), (0, 2, 3, 1))
    assert (found.pairs, found.same) == (4, 0.5)
