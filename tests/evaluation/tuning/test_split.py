"""The queries that tune, and those that tell the gain."""

from __future__ import annotations

from collections import Counter

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.tuning.split import grouped, split


def test_queries_with_the_same_relevant_products_stay_together() -> None:
    queries = [Query("1", "laptop"), Query("2", "kettle"), Query("3", "ordinateur")]
    qrels = {"1": {"a": 2, "b": 0}, "2": {"a": 1, "b": 1}, "3": {"a": 1, "c": 0}}
    assert grouped(queries, qrels) == [(queries[0], queries[2]), (queries[1],)]


@pytest.mark.parametrize("held_out", [0.2, 0.5])
def test_both_parts_have_the_same_languages(held_out: float) -> None:
    groups = [(Query(str(number), "x", "de" if number % 3 else "en"),) for number in range(90)]
    parts = split(groups, held_out=held_out, seed=1)
    assert {*parts.tuned, *parts.held_out} == {*groups}
    assert len(parts.held_out) == held_out * 90
    langs = Counter(group[0].lang for group in parts.held_out)
    assert langs == {"de": held_out * 60, "en": held_out * 30}
    assert split(groups, held_out=held_out, seed=1) == parts
    assert {*split(groups, held_out=held_out, seed=2).tuned} != {*parts.tuned}


def test_a_handful_of_queries_is_refused() -> None:
    groups = [(Query(str(number), "x"),) for number in range(9)]
    with pytest.raises(EvaluationError, match="5 independent queries to tune on and 4 to prove"):
        split(groups, held_out=0.5, seed=1)
