"""Rounds until a node is warm."""

from __future__ import annotations

import pytest

from benchmarks.warming import Times, until_steady, when_warm


@pytest.mark.parametrize(
    ("times", "rounds"),
    [
        ([9.0, 8.0, 7.0, *[6.0] * 20], 12),  # eight that are no faster than the first of them
        ([6.0, *[5.95] * 20], 9),  # by less than a fiftieth
        ([6.0, *[6.2] * 6, 5.0, *[5.0] * 20], 16),  # a pause
    ],
)
def test_rounds_are_repeated_until_they_get_no_faster(times: list[float], rounds: int) -> None:
    left = iter(times)
    until_steady(lambda: next(left), patience=60.0)
    assert len(times) - len([*left]) == rounds


def test_without_patience_there_is_one_round() -> None:
    left = iter([2.0, 1.0])
    until_steady(lambda: next(left), patience=0.0)
    assert [*left] == [1.0]


def test_only_the_rounds_of_a_warm_node_count() -> None:
    left = iter([9.0, *[4.0] * 9, 3.95, 4.05])

    def round_(times: Times) -> float:
        spent = next(left)
        times["ours"].append(spent)
        times["theirs"].append(2 * spent)
        return spent

    times = when_warm(round_, rounds=2, patience=60.0)
    assert times == {"ours": [3.95, 4.05], "theirs": [7.9, 8.1]}
