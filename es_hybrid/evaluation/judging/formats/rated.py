"""A judgement as a file has it, before its rating is a grade."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.errors import EvaluationError

# Called with every line that cannot be used; reading goes on.
Reject = Callable[[EvaluationError], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class RatedPair:
    """One document rated for one query.

    Attributes:
        query_id: Empty if the file names queries by their text alone.
        lang: BCP 47 tag of the query, or empty if unknown.
        rating: As written: a label such as `Exact`, or a number.
        place: `file:line`.
        by_llm: Whether an LLM rated it, and no person did.
    """

    query: str
    id: str
    rating: str
    place: str
    query_id: str = ""
    lang: str = ""
    by_llm: bool = False


# Yields the pairs of the files of one import.
Reader = Callable[[Sequence[Path], Reject], Iterator[RatedPair]]


def file_of(paths: Sequence[Path], wanted: int, files: str) -> Sequence[Path]:
    """The given paths, if they are as many as a format has.

    Raises:
        EvaluationError: they are more or fewer.
    """
    if len(paths) == wanted:
        return paths
    raise EvaluationError(
        f"{len(paths)} files given, {wanted} expected",
        place=", ".join(map(str, paths)),
        remedy=f"name {files}",
    )
