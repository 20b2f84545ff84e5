"""Read files of JSON lines that es-hybrid wrote: pools and judgements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.text import lines

T = TypeVar("T")


def items(path: Path, of: TypeAdapter[T], *, what: str, remedy: str) -> Iterator[T]:
    """The item of each line.

    Args:
        what: What each line should be, for the error.

    Raises:
        EvaluationError: the file cannot be read, or a line is something else; names file and line.
    """
    for place, line in lines(path, _refuse):
        try:
            yield of.validate_json(line)
        except ValidationError as error:
            raise EvaluationError(
                f"no {what}: {error.errors()[0]['msg']}", place=place, remedy=remedy
            ) from None


def _refuse(error: EvaluationError) -> None:
    raise error
