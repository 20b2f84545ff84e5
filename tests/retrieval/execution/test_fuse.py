"""Fusion against ranx and against exact arithmetic, on random rankings."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ranx import Run, fuse

from es_hybrid.retrieval.execution.fuse import (
    Ranked,
    Ranking,
    by_reranker,
    interpolated,
    linear,
    normalized,
    rrf,
    shown,
)
from es_hybrid.retrieval.nodes import Normalizer
from es_hybrid.retrieval.plan import Key

# ranx compiles at its first call, and converts every run.
_slow_at_first = settings(deadline=None, max_examples=30)

_ids = st.lists(st.sampled_from("abcdefghijkl"), unique=True, min_size=1, max_size=12)
_rankings = st.lists(_ids, min_size=2, max_size=4)
_weights = st.sampled_from([0.0, 0.5, 0.7, 1.0, 3.0])
_scores = st.floats(0, 50, width=32)


def _ranking(ids: Sequence[str], scores: Sequence[float] | None = None) -> Ranking:
    scores = scores if scores is not None else range(len(ids), 0, -1)
    return [
        Ranked(Key("products", id_), float(score), (ord(id_), 0))
        for id_, score in zip(ids, scores, strict=True)
    ]


def _by_id(ranking: Ranking) -> dict[str, float]:
    return {hit.key.id: hit.score for hit in ranking}


def _run(ranking: Ranking) -> Run:
    return Run({"q": {hit.key.id: hit.score for hit in ranking}})


def _ranx(rankings: Sequence[Ranking], **options: object) -> dict[str, float]:
    fused = fuse(runs=[_run(ranking) for ranking in rankings], **options)
    scores: dict[str, float] = fused.to_dict()["q"]
    return scores


@st.composite
def _scored(draw: st.DrawFn) -> list[Ranking]:
    rankings = []
    for ids in draw(_rankings):
        scores = draw(st.lists(_scores, min_size=len(ids), max_size=len(ids), unique=True))
        rankings.append(_ranking(ids, sorted(scores, reverse=True)))
    return rankings


def test_the_example_of_two_leaves() -> None:
    fused = rrf([_ranking("abc"), _ranking("cd")], [1, 1], rank_constant=60)
    assert [hit.key.id for hit in fused] == ["c", "a", "b", "d"]
    assert fused[0].score == pytest.approx(1 / 63 + 1 / 61, abs=1e-8)


def test_equal_scores_stand_by_their_place_in_the_index() -> None:
    fused = rrf([_ranking("zm"), _ranking("ak")], [1, 1], rank_constant=60)
    assert [hit.key.id for hit in fused] == ["a", "z", "k", "m"]


def test_a_place_that_one_leaf_cannot_tell_is_the_other_s() -> None:
    first = [Ranked(Key("i", "a"), 1.0, (1 << 63, 0))]
    second = [Ranked(Key("i", "a"), 1.0, (7, 0))]
    assert rrf([first, second], [1, 1], rank_constant=60)[0].place == (7, 0)


def test_the_same_id_in_two_indices_is_two_documents() -> None:
    hits = [[Ranked(Key(index, "a"), 1.0, (0, 0))] for index in ("shoes", "shirts")]
    assert len(rrf(hits, [1, 1], rank_constant=60)) == 2


def test_a_weight_of_zero_silences_a_leaf_without_dropping_its_hits() -> None:
    fused = _by_id(rrf([_ranking("ab"), _ranking("ca")], [0, 1], rank_constant=60))
    assert fused.keys() == set("abc")
    assert fused["b"] == 0


@_slow_at_first
@given(_rankings, st.integers(1, 100))
def test_rrf_agrees_with_ranx(ids: list[list[str]], rank_constant: int) -> None:
    rankings = [_ranking(each) for each in ids]
    ours = _by_id(rrf(rankings, [1.0] * len(ids), rank_constant=rank_constant))
    theirs = _ranx(rankings, norm=None, method="rrf", params={"k": rank_constant})
    assert ours == pytest.approx(theirs, rel=1e-5)


@given(_rankings, st.integers(1, 100), st.data())
def test_weighted_rrf_agrees_with_exact_arithmetic(
    ids: list[list[str]], rank_constant: int, data: st.DataObject
) -> None:
    weights = data.draw(st.lists(_weights, min_size=len(ids), max_size=len(ids)))
    fused = rrf([_ranking(each) for each in ids], weights, rank_constant=rank_constant)
    exact: dict[str, Fraction] = {}
    for each, weight in zip(ids, weights, strict=True):
        for rank, id_ in enumerate(each, 1):
            exact[id_] = exact.get(id_, Fraction(0)) + Fraction(weight) / (rank_constant + rank)
    assert _by_id(fused) == pytest.approx({id_: float(v) for id_, v in exact.items()}, rel=1e-5)


@_slow_at_first
@given(_scored(), st.data())
def test_linear_of_minmax_agrees_with_ranx(rankings: list[Ranking], data: st.DataObject) -> None:
    # ranx has no answer of its own where a ranking's scores are all (nearly) equal.
    rankings = [each for each in rankings if each[0].score - each[-1].score > 1e-3]
    if len(rankings) < 2:
        return
    weights = data.draw(st.lists(_weights, min_size=len(rankings), max_size=len(rankings)))
    ours = _by_id(linear(rankings, weights, ["minmax"] * len(rankings)))
    theirs = _ranx(rankings, norm="min-max", method="wsum", params={"weights": tuple(weights)})
    assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-6)


@_slow_at_first
@given(_scored(), st.data())
def test_linear_of_bare_scores_agrees_with_ranx(
    rankings: list[Ranking], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(_weights, min_size=len(rankings), max_size=len(rankings)))
    ours = _by_id(linear(rankings, weights, ["none"] * len(rankings)))
    theirs = _ranx(rankings, norm=None, method="wsum", params={"weights": tuple(weights)})
    assert ours == pytest.approx(theirs, rel=1e-5, abs=1e-6)


@given(st.lists(_scores, min_size=1, max_size=30))
def test_l2_norm_divides_by_the_length_of_the_scores(scores: list[float]) -> None:
    length = math.sqrt(sum(float(score) ** 2 for score in scores))
    if length < 1e-5:
        return
    expected = [score / length for score in scores]
    assert normalized(scores, "l2_norm").tolist() == pytest.approx(expected, rel=1e-5, abs=1e-9)


@pytest.mark.parametrize("normalizer", ["none", "l2_norm"])
def test_scores_that_are_all_zero_stay_as_they_are(normalizer: Normalizer) -> None:
    assert normalized([], normalizer).tolist() == []
    assert normalized([0.0, 0.0], normalizer).tolist() == [0.0, 0.0]


@pytest.mark.parametrize("scores", [[2.0, 2.0], [0.0, 0.0], [7.5], [1.0, 1.0 + 5e-7], []])
def test_equal_scores_and_a_single_one_are_the_best_of_their_ranking(scores: list[float]) -> None:
    assert normalized(scores, "minmax").tolist() == [1.0] * len(scores)


def test_a_reranker_s_scores_are_never_negative() -> None:
    """Float32 for each step, as in Elasticsearch."""
    scores = [-200.0, -3.25, -0.0, 0.0, 0.3, 0.9, 1.0, 7.5, 1e4]
    exact = [math.exp(-200), math.exp(-3.25), 1, 1, 1.3, 1.9, 2, 8.5, 10_001]
    hits = [Ranked(Key("i", str(n)), score, (0, n)) for n, score in enumerate(scores)]
    expected = [float(np.float32(each)) for each in exact]
    assert [hit.score for hit in by_reranker(hits)] == sorted(expected, reverse=True)
    # Of the two that are equal the first in the index comes first.
    assert [hit.key.id for hit in by_reranker(hits)] == list("876542310")
    assert by_reranker([]) == []


def test_more_pinned_documents_than_a_float_can_add_up_are_the_best() -> None:
    pinned = [[Ranked(Key("i", "a"), 2.0**127, (0, 0))]] * 3
    assert linear(pinned, [1, 1, 1], ["none"] * 3)[0].score == math.inf


@given(_scored(), st.data())
def test_the_order_is_by_float32_score_and_then_by_place(
    rankings: list[Ranking], data: st.DataObject
) -> None:
    weights = data.draw(st.lists(_weights, min_size=len(rankings), max_size=len(rankings)))
    for fused in (
        rrf(rankings, weights, rank_constant=60),
        linear(rankings, weights, ["l2_norm"] * len(rankings)),
    ):
        for first, second in itertools.pairwise(fused):
            assert (-first.score, first.place) < (-second.score, second.place)
        assert all(hit.score == float(np.float32(hit.score)) for hit in fused)


def test_float32_sums_are_those_of_float32_and_not_of_double() -> None:
    rng = random.Random(7)
    ids = [rng.sample("abcdefghijkl", 12) for _ in range(4)]
    expected: dict[str, np.float32] = {}
    for each in ids:
        for rank, id_ in enumerate(each, 1):
            share = np.float32(1) / np.float32(60 + rank)
            expected[id_] = np.float32(expected.get(id_, np.float32(0)) + share)
    fused = rrf([_ranking(each) for each in ids], [1] * 4, rank_constant=60)
    assert _by_id(fused) == {id_: float(score) for id_, score in expected.items()}


def test_scores_are_shown_as_elasticsearch_writes_them() -> None:
    assert shown(float(np.float32(0.021681271493434906))) == 0.021681271


def test_interpolation_scales_the_first_stage_over_its_own_hits() -> None:
    first = [Ranked(Key("i", id_), score, (0, place)) for place, (id_, score) in
             enumerate([("a", 0.9), ("b", 0.5), ("c", 0.1)])]  # fmt: skip
    reranked = [first[2]._replace(score=0.8), first[0]._replace(score=0.4)]
    mixed = {hit.key.id: hit.score for hit in interpolated(reranked, first, weight=0.25)}
    assert mixed == pytest.approx({"c": 0.25 * 0.8, "a": 0.25 * 0.4 + 0.75})
    bare = interpolated(reranked, first, weight=1.0)
    assert [hit.key.id for hit in bare] == ["c", "a"]
    assert [hit.score for hit in bare] == pytest.approx([0.8, 0.4])


def test_equal_scores_of_the_first_stage_leave_the_order_to_the_reranker() -> None:
    first = [Ranked(Key("i", id_), 0.3, (0, place)) for place, id_ in enumerate("ab")]
    reranked = [first[0]._replace(score=0.2), first[1]._replace(score=0.9)]
    b, a = interpolated(reranked, first, weight=0.5)
    assert (a.key.id, b.key.id) == ("a", "b")
    assert b.score > a.score


def test_the_reranker_decides_among_hits_that_the_first_stage_cannot_tell_apart() -> None:
    """Whatever its scores are, and for one hit as for many: all of them get the same share."""
    rng = random.Random(5)
    for count in (1, 2, 30):
        first = [Ranked(Key("i", str(place)), 0.0163, (0, place)) for place in range(count)]
        for scale in (1.0, 1e-9):
            reranked = [hit._replace(score=rng.random() * scale) for hit in first]
            mixed = interpolated(reranked, first, weight=0.4)
            best = sorted(reranked, key=lambda hit: -hit.score)
            assert [hit.key for hit in mixed] == [hit.key for hit in best]
            assert [hit.score for hit in mixed] == pytest.approx(
                [0.4 * hit.score + 0.6 for hit in best]
            )
            assert all(0 <= hit.score <= 1 for hit in mixed)
