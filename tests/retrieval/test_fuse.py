"""Reciprocal rank fusion against the formula computed another way, on random lists."""

from __future__ import annotations

import itertools
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from es_hybrid.retrieval.fuse import reciprocal_rank_fusion

_rankings = st.lists(
    st.lists(st.sampled_from("abcdefghij"), unique=True, max_size=10), min_size=1, max_size=4
)


def test_the_example_of_two_legs() -> None:
    fused = reciprocal_rank_fusion([["a", "b", "c"], ["c", "d"]])
    assert [id_ for id_, _ in fused] == ["c", "a", "b", "d"]
    assert dict(fused)["c"] == 1 / 63 + 1 / 61


def test_a_weight_of_zero_silences_a_leg_without_dropping_its_hits() -> None:
    fused = reciprocal_rank_fusion([["a", "b"], ["c", "a"]], weights=[0, 1])
    assert [id_ for id_, _ in fused] == ["c", "a", "b"]
    assert dict(fused)["b"] == 0


def test_equal_scores_keep_the_order_of_first_appearance() -> None:
    fused = reciprocal_rank_fusion([["z", "m"], ["a", "k"]])
    assert [id_ for id_, _ in fused] == ["z", "a", "m", "k"]


@given(_rankings, st.integers(1, 100), st.data())
def test_scores_and_order_agree_with_exact_arithmetic(
    rankings: list[list[str]], rank_constant: int, data: st.DataObject
) -> None:
    weights = data.draw(
        st.lists(
            st.sampled_from([0.0, 0.5, 1.0, 3.0]), min_size=len(rankings), max_size=len(rankings)
        )
    )
    fused = reciprocal_rank_fusion(rankings, weights=weights, rank_constant=rank_constant)
    exact: dict[str, Fraction] = {}
    for ranking, weight in zip(rankings, weights, strict=True):
        for id_ in ranking:
            place = Fraction(weight) / (rank_constant + ranking.index(id_) + 1)
            exact[id_] = exact.get(id_, Fraction(0)) + place
    assert {id_ for id_, _ in fused} == set(exact)
    assert all(abs(score - exact[id_]) < 1e-12 for id_, score in fused)
    assert all(first >= second for (_, first), (_, second) in itertools.pairwise(fused))
