"""A condition that a query states in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A price or an exclusion in a query.

    Attributes:
        text: The words as typed: `under 50 dollars`.
        filters: For a price, in the form of `SearchRequest.filters`.
        excluded: For an exclusion, the unwanted things as typed: `stripes`, `palm oil`.
        language: Two-letter tag of the words that exclude; empty if they are of no language.
    """

    kind: Literal["price", "without"]
    text: str
    filters: Mapping[str, Any] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    language: str = ""


class Located(NamedTuple):
    """A condition and the characters of the query that state it."""

    start: int
    end: int
    condition: Condition
