"""Turn the ratings of other tools into grades, by a mapping that is stated."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass

from es_hybrid.errors import EvaluationError

# TREC tools read grades as small whole numbers.
_HIGHEST = 127


@dataclass(frozen=True, slots=True)
class GradeMap:
    """Rating -> grade.

    Attributes:
        labels: Label in lower case -> grade. Empty: ratings are numbers.
        thresholds: Numbers, ascending, and the grades from them on; what is below the first has
            grade 0. Empty: whole numbers are grades as they are.
    """

    labels: Mapping[str, int]
    thresholds: tuple[tuple[float, int], ...] = ()

    def grade(self, rating: str) -> int:
        """The grade of a rating.

        Raises:
            ValueError: there is none; says why.
        """
        if self.labels:
            if (grade := self.labels.get(rating.lower())) is None:
                raise ValueError(f"{rating!r} is none of {', '.join(self.labels)}")
            return grade
        number = _number(rating)
        if self.thresholds:
            position = bisect_right([start for start, _ in self.thresholds], number)
            return self.thresholds[position - 1][1] if position else 0
        if number != int(number) or abs(number) > _HIGHEST:
            raise ValueError(f"{rating!r} is no whole number up to {_HIGHEST}")
        return int(number)

    def __str__(self) -> str:
        if self.labels:
            return ", ".join(f"{label} = {grade}" for label, grade in self.labels.items())
        if self.thresholds:
            below = f"below {self.thresholds[0][0]:g} = 0"
            return ", ".join(
                [below, *(f"from {start:g} = {grade}" for start, grade in self.thresholds)]
            )
        return "whole numbers as they are"


def parse_grades(text: str) -> GradeMap:
    """A mapping written as `Exact=2,Partial=1` or, for numbers, as `0.25=1,0.5=2`.

    Raises:
        EvaluationError: it has another form.
    """
    parts = [part.rpartition("=") for part in text.split(",")]
    try:
        pairs = {rating.strip(): int(grade) for rating, _, grade in parts}
    except ValueError:
        pairs = {}
    if "" in pairs or not pairs or not all(0 <= grade <= _HIGHEST for grade in pairs.values()):
        raise EvaluationError(
            f"{text!r} is no mapping of ratings to grades",
            place="--grades",
            remedy="write RATING=GRADE,RATING=GRADE with whole grades, such as Exact=2,Partial=1",
        )
    try:
        numbers = sorted((float(rating), grade) for rating, grade in pairs.items())
    except ValueError:
        return GradeMap({rating.lower(): grade for rating, grade in pairs.items()})
    return GradeMap({}, tuple(numbers))


def _number(rating: str) -> float:
    try:
        number = float(rating)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"{rating!r} is no number")
    return number
