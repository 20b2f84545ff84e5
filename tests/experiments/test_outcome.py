"""Outcomes of simulated experiments, read from their searches."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.clicks.counts import LoggedSearch, ShopperAction
from es_hybrid.experiments.outcome import ExperimentOutcome, outcomes
from es_hybrid.experiments.team_draft import team_draft, teams_of

PRODUCTS = [f"p{number}" for number in range(20)]


def _shoppers(
    b: list[str], *, seed: int, days: int = 10, daily: int = 60
) -> Iterator[LoggedSearch]:
    """They look down to a rank drawn by lot, and click on products of low numbers."""
    lots = random.Random(seed)
    for number in range(days * daily):
        picks = team_draft(PRODUCTS, b, size=10, seed=f"{seed} {number}")
        shown = [(pick.id, rank) for rank, pick in enumerate(picks, 1)]
        actions: dict[str, ShopperAction] = {
            id_: "click"
            for id_, rank in shown
            if lots.random() < 1 / rank and lots.random() < 0.8 / (1 + PRODUCTS.index(id_))
        }
        facts = {"experiment": {"name": "e", "mode": "interleave", **teams_of(picks)}}
        time = f"2026-11-{1 + number // daily:02}T10:00:00Z"
        yield LoggedSearch("q", shown, actions, facts, time)


def _read(searches: Iterator[LoggedSearch]) -> ExperimentOutcome:
    return outcomes(searches, action="click")["e"]


def test_the_better_ranking_is_found() -> None:
    worse = PRODUCTS[10:] + PRODUCTS[:10]
    found = _read(_shoppers(worse, seed=1))
    better = found.better(0.05)
    assert better is not None
    assert better[0] == "A"
    assert better[1] < found.looks[-1].day  # before the end
    assert found.interval(0.05)[1] < 0.5


def test_rankings_of_equal_worth_are_told_apart_in_five_percent_at_most() -> None:
    # The same products in the same order: which team is clicked is drawn by lot alone.
    found = [_read(_shoppers(PRODUCTS, seed=seed, daily=20)) for seed in range(200)]
    assert sum(each.better(0.05) is not None for each in found) <= 10
    assert all(each.total.a + each.total.b > 20 for each in found)


def _search(facts: dict[str, Any], **actions: ShopperAction) -> LoggedSearch:
    return LoggedSearch("q", [("x", 1), ("y", 2), ("z", 3)], actions, {"experiment": facts}, "2026")


def test_votes() -> None:
    facts = {"name": "e", "mode": "interleave", "a": ["x"], "b": ["y"]}
    searches = [
        _search(facts, x="click"), _search(facts, y="order", z="click"), _search(facts),
        _search(facts, x="click", y="cart"), _search(facts, z="click"),
        LoggedSearch("q", [("x", 1)], {"x": "click"}),
    ]  # fmt: skip
    votes = outcomes(searches, action="click")["e"].total
    assert (votes.a, votes.b, votes.ties, votes.silent) == (1, 1, 2, 1)
    votes = outcomes(searches, action="cart")["e"].total
    assert (votes.a, votes.b, votes.ties, votes.silent) == (0, 2, 0, 3)


def test_ab_compares_with_the_share_of_b() -> None:
    a, b = ({"name": "e", "mode": "ab", "share": 0.1, "team": team} for team in ("A", "B"))
    equal = [_search(a, x="click")] * 900 + [_search(b, x="click")] * 100
    found = outcomes(equal, action="click")["e"]
    assert found.better(0.05) is None
    better = outcomes(equal + [_search(b, x="click")] * 100, action="click")["e"].better(0.05)
    assert better == ("B", "2026")


@pytest.mark.parametrize(
    ("facts", "problem"),
    [
        ({"mode": "ab"}, "malformed"),
        ({"name": "e", "mode": "interleave", "a": 1, "b": []}, "malformed"),
        ({"name": "e", "mode": "ab", "share": 1, "team": "B"}, "every search"),
        ({"name": "f", "mode": "ab", "share": 0.4, "team": "B"}, "changed"),
    ],
)
def test_a_log_that_says_nothing_certain_is_refused(facts: dict[str, Any], problem: str) -> None:
    first = _search({"name": "f", "mode": "ab", "share": 0.5, "team": "B"})
    with pytest.raises(EvaluationError, match=problem):
        outcomes([first, _search(facts, x="click")], action="click")
