"""Ratings and the grades they stand for."""

from __future__ import annotations

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.grades import GradeMap, parse_grades


def test_labels() -> None:
    grades = parse_grades("Exact=2, Partial=1,Irrelevant=0")
    assert [grades.grade(label) for label in ("Exact", "partial", "IRRELEVANT")] == [2, 1, 0]
    assert str(grades) == "exact = 2, partial = 1, irrelevant = 0"
    with pytest.raises(ValueError, match="'other' is none of exact, partial, irrelevant"):
        grades.grade("other")


def test_numbers_from_thresholds() -> None:
    grades = parse_grades("0.7=2,0.3=1")
    assert [grades.grade(rating) for rating in ("-1", "0.299", "0.3", "0.7", "9")] == [
        0, 0, 1, 2, 2,
    ]  # fmt: skip
    assert str(grades) == "below 0.3 = 0, from 0.3 = 1, from 0.7 = 2"


@pytest.mark.parametrize("rating", ["0.5", "x", "", "nan", "inf", "1e9"])
def test_without_a_mapping_only_small_whole_numbers_are_grades(rating: str) -> None:
    assert GradeMap({}).grade("3.0") == 3
    with pytest.raises(ValueError, match=r"no number|no whole number"):
        GradeMap({}).grade(rating)


@pytest.mark.parametrize("text", ["", "Exact", "Exact=", "Exact=two", "=1", "Exact=-1", "a=1,,b=2"])
def test_another_form_of_mapping_is_refused(text: str) -> None:
    with pytest.raises(EvaluationError, match="write RATING=GRADE"):
        parse_grades(text)
