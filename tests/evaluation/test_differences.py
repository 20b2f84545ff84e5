"""Differences between two systems, and the queries that lose most."""

from __future__ import annotations

import random

import pytest

from es_hybrid.evaluation.differences import Loss, ShownHit, WorstLosses, difference, shown_hits
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import StageHit


def test_wins_losses_and_ties_are_counted() -> None:
    change = difference([0.5, 0.5, 0.5, 0.5], [0.9, 0.1, 0.5, 0.5 + 1e-9])
    assert (change.wins, change.losses, change.ties) == (1, 1, 2)
    assert change.means == pytest.approx((0.5, 0.5))
    assert change.mean == pytest.approx(0.0)
    assert change.interval[0] < 0 < change.interval[1]
    assert change.p == 1.0


def test_a_clear_gain_is_significant() -> None:
    change = difference([0.1] * 20, [0.2] * 19 + [0.1])
    assert change.mean == pytest.approx(0.095)
    assert change.interval[0] > 0
    assert change.p < 0.001


def loss(name: str, after: float) -> Loss:
    return Loss(Query(name, name), 1.0, after, [], [])


def test_the_largest_losses_are_kept_worst_first() -> None:
    worst = WorstLosses(2)
    falls = [0.9, 0.2, 0.5, 1.0, 0.2, 0.95]
    for number, after in enumerate(falls):
        worst.add(loss(f"q{number}", after))
    # Of equal losses the first comes first; no loss is no loss.
    assert [each.query.id for each in worst.worst_first()] == ["q1", "q4"]
    assert not worst.admits(0.0)
    assert not worst.admits(-0.8)
    assert worst.admits(-0.81)
    assert not WorstLosses(0).admits(-1.0)


def test_many_losses_are_the_same_as_sorted() -> None:
    chance = random.Random(1)
    falls = [chance.random() for _ in range(500)]
    worst = WorstLosses(10)
    for number, after in enumerate(falls):
        worst.add(loss(str(number), after))
    expected = sorted(range(500), key=lambda number: falls[number])[:10]
    assert [int(each.query.id) for each in worst.worst_first()] == expected


def test_shown_hits_have_their_grades() -> None:
    hits = [StageHit(str(number), 1.0, f"title {number}") for number in range(12)]
    shown = shown_hits(hits, {"0": 2, "1": 0})
    assert shown[:3] == [
        ShownHit("0", "title 0", 2), ShownHit("1", "title 1", 0), ShownHit("2", "title 2", None),
    ]  # fmt: skip
    assert len(shown) == 10
