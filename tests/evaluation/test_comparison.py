"""Two sources of answers to the same queries, compared."""

from __future__ import annotations

import math

import pytest

from es_hybrid.evaluation.comparison import compare, overlap, rank_biased_overlap
from es_hybrid.evaluation.judgements import Query
from tests.evaluation.answers import Made

QUERIES = [Query("q1", "kettle"), Query("q2", "pot"), Query("q3", "pan")]
ONE = Made(q1="abcd", q2="ab", q3="")
OTHER = Made(q1="dacb", q2="xy", q3="")


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


def test_rank_biased_overlap_weighs_the_first_ranks_most() -> None:
    assert rank_biased_overlap("abc", "abc") == pytest.approx(1.0)
    assert rank_biased_overlap("abc", "xyz") == 0.0
    assert rank_biased_overlap("", "") == 1.0
    assert rank_biased_overlap("", "a") == 0.0
    # Agreement 0, 1 at depths 1 and 2, p = .9: (1 - p)(0 + .9) + 1 * .81.
    assert rank_biased_overlap("ab", "ba") == pytest.approx(0.9)
    top, bottom = rank_biased_overlap("abcd", "bacd"), rank_biased_overlap("abcd", "abdc")
    assert top < bottom < 1


def test_answers_that_differ_are_counted() -> None:
    compared = compare(ONE, OTHER, QUERIES, k=3, worst=5)
    assert (compared.queries, compared.k, compared.change) == (3, 3, None)
    # abc and dac have two in common; ab and xy none; nothing and nothing agree.
    assert compared.overlap == pytest.approx((2 / 3 + 0 + 1) / 3)
    assert compared.same_first == pytest.approx(1 / 3)
    assert (compared.changed, compared.moved, compared.lost) == (2, 1, 3)
    assert [(loss.query.id, loss.before) for loss in compared.worst] == [("q2", 1.0), ("q1", 1.0)]
    assert compared.worst[0].after == 0.0
    assert [hit.id for hit in compared.worst[1].second] == ["d", "a", "c", "b"]


def test_judgements_say_which_is_better() -> None:
    qrels = {"q1": {"a": 1}, "q2": {"b": 2, "a": 0}}
    done: list[int] = []
    compared = compare(ONE, OTHER, QUERIES[:2], qrels=qrels, worst=5, done=lambda: done.append(1))
    assert compared.change is not None
    second = 1 / math.log2(3)
    assert compared.change.means == pytest.approx(((1 + second) / 2, second / 2))
    assert (compared.change.wins, compared.change.losses) == (0, 2)
    assert [loss.query.id for loss in compared.worst] == ["q2", "q1"]
    assert [hit.grade for hit in compared.worst[0].first] == [0, 2]
    assert len(done) == 2
    other = compare(ONE, OTHER, QUERIES[:2], qrels=qrels, measure="P@10")
    assert other.change is not None
    assert other.change.means == pytest.approx((0.1, 0.05))
    assert other.worst == []


def test_more_queries_than_are_held_at_a_time() -> None:
    queries = [Query(f"q{number}", "text") for number in range(123)]
    one = Made(**{query.id: "ab" for query in queries})
    other = Made(**{query.id: "ba" if query.id == "q77" else "ab" for query in queries})
    qrels = {query.id: {"a": 1} for query in queries}
    compared = compare(one, other, queries, qrels=qrels, worst=2)
    assert compared.change is not None
    assert (compared.queries, compared.change.queries, compared.change.ties) == (123, 123, 122)
    assert [loss.query.id for loss in compared.worst] == ["q77"]
