"""What can be wrong with a field: a problem rejects the row, a warning leaves the value out."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias


class FieldProblem(Exception):
    """The problem with one field; becomes a `RowError` once the row's place is known."""

    def __init__(self, field: str, message: str, remedy: str) -> None:
        self.field, self.message, self.remedy = field, message, remedy


class FieldWarning(NamedTuple):
    """A value that was left out or altered, although the row is fine.

    Attributes:
        field: The product field.
        kind: A few words that never change, to count by, such as `check digit`.
        message: The problem, with the value in quotes; short and printable.
    """

    field: str
    kind: str
    message: str

    @property
    def name(self) -> str:
        """`gtin: check digit`, to count by."""
        return f"{self.field}: {self.kind}"


Warn: TypeAlias = Callable[[FieldWarning], None]
