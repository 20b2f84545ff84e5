"""Two runs of the same queries, compared."""

from __future__ import annotations

import pytest

from es_hybrid.evaluation.comparison import best, overlap


@pytest.mark.parametrize(
    ("first", "second", "share"),
    [
        (["a", "b"], ["b", "a"], 1.0),
        (["a", "b", "c", "d"], ["d", "a", "x"], 0.5),
        (["a"], ["b"], 0.0),
        ([], ["b"], 0.0),
        ([], [], 1.0),
    ],
)
def test_overlap_is_the_share_of_the_longer_list(
    first: list[str], second: list[str], share: float
) -> None:
    assert overlap(first, second) == overlap(second, first) == share


def test_the_best_documents_of_a_run_by_score() -> None:
    assert best({"a": 0.2, "b": 1.0, "c": 0.5}, 2) == ["b", "c"]
