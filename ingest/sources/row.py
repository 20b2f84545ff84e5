"""One row of a source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.errors import RowError

# What a dead letter keeps of a row that cannot be read.
RAW_CHARS = 2000


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands in its source.

    Attributes:
        place: `file:line`, or `file:row N` in Parquet; counted from 1.
        values: Column or key -> value; empty where the row cannot be read.
        problem: Why it cannot be read.
        raw: The beginning of the text of a row that cannot be read.
    """

    place: str
    values: Mapping[str, Any] = field(default_factory=dict)
    problem: RowError | None = None
    raw: str = ""


def unreadable(place: str, message: str, *, remedy: str, raw: str) -> Row:
    """A row that ends as a dead letter."""
    return Row(place, problem=RowError(message, place=place, remedy=remedy), raw=raw[:RAW_CHARS])
