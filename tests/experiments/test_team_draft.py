"""Interleaving of two rankings."""

from __future__ import annotations

from collections import Counter

from es_hybrid.experiments.team_draft import Pick, team_draft, teams_of

A = [f"p{number}" for number in range(30)]
B = A[::-1]


def test_every_round_has_a_pick_of_each_team_and_the_best_that_is_left() -> None:
    for seed in map(str, range(50)):
        picks = team_draft(A, B, size=20, seed=seed)
        assert len({pick.id for pick in picks}) == len(picks) == 20
        for start in range(0, 20, 2):
            assert {pick.team for pick in picks[start : start + 2]} == {"A", "B"}
        assert [pick.id for pick in picks if pick.team == "A"] == A[:10]
        assert [pick.id for pick in picks if pick.team == "B"] == B[:10]


def test_pages_continue_each_other() -> None:
    for seed in map(str, range(50)):
        whole = team_draft(A, A[5:] + A[:5], size=20, seed=seed)
        for size in range(1, 20):
            part = team_draft(A[:size], (A[5:] + A[:5])[:size], size=size, seed=seed)
            assert part == whole[:size]


def test_equal_rankings_stay_as_they_are_and_the_lots_are_fair() -> None:
    firsts = Counter[str]()
    for seed in map(str, range(2000)):
        picks = team_draft(A, A, size=10, seed=seed)
        assert [pick.id for pick in picks] == A[:10]
        firsts[picks[0].team] += 1
    assert 900 < firsts["A"] < 1100


def test_the_rest_of_a_longer_ranking_is_of_no_team() -> None:
    for seed in map(str, range(20)):
        picks = team_draft(["x", "y", "z"], ["y"], size=10, seed=seed)
        assert {pick.id for pick in picks} == {"x", "y", "z"}
        assert picks[-1] == Pick("z", "")
        assert "z" not in str(teams_of(picks))
    assert team_draft([], ["y"], size=10, seed="1") == [Pick("y", "")]
