"""What can be wrong with a field: a problem rejects the row, a warning leaves the value out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

_SHOWN_CHARS = 60


class FieldWarning(NamedTuple):
    """A value that was left out or altered, although the row is fine.

    Attributes:
        field: The product field.
        kind: A few words that never change, to count by, such as `check digit`.
        message: The problem, with the value in quotes, and the remedy; short and printable.
    """

    field: str
    kind: str
    message: str

    @property
    def name(self) -> str:
        """`gtin: check digit`, to count by."""
        return f"{self.field}: {self.kind}"


Warn: TypeAlias = Callable[[FieldWarning], None]


class FieldProblem(Exception):
    """The problem with one field.

    Becomes a `RowError` once the row's place is known, or a warning if the product is usable
    without the field.
    """

    def __init__(self, field: str, kind: str, message: str, remedy: str) -> None:
        self.field, self.kind, self.message, self.remedy = field, kind, message, remedy

    @property
    def warning(self) -> FieldWarning:
        """The same as a warning."""
        return FieldWarning(self.field, self.kind, f"{self.message}; {self.remedy}")


def shown(value: Any) -> str:
    """A value in a message: in quotes, short, without control characters."""
    text = repr(value[:_SHOWN_CHARS] if isinstance(value, str) else value)
    cut = isinstance(value, str) and len(value) > _SHOWN_CHARS
    return f"{text}…" if cut else text if len(text) <= _SHOWN_CHARS + 2 else f"{text[:60]}…"


def kind_of(value: Any) -> str:
    """The type of a value in plain words."""
    names = {
        bool: "a boolean",
        float: "a fractional number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), f"a {type(value).__name__}")
