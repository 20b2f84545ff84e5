"""Judgement lists of the OpenSearch Search Relevance Workbench."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.json_elements import elements
from es_hybrid.evaluation.judging.formats.rated import RatedPair, Reject


def workbench(paths: Sequence[Path], reject: Reject) -> Iterator[RatedPair]:
    """`judgmentRatings` of the body of an import, of `GET …/judgments/ID`, or of a search for it.

    Raises:
        EvaluationError: a file cannot be read, or is no judgement list.
    """
    for path in paths:
        for place, element in elements(path, "judgmentRatings"):
            try:
                query, rated = str(element["query"]), element["ratings"]
                pairs = [(str(each["docId"]), str(each["rating"])) for each in rated]
            except (KeyError, TypeError):
                reject(
                    EvaluationError(
                        "no `query` with `ratings` of `docId` and `rating`",
                        place=place,
                        remedy="export the judgement list again",
                    )
                )
                continue
            for id_, rating in pairs:
                yield RatedPair(query=query, id=id_, rating=rating, place=place)
