"""A condition that a query states in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A price, an exclusion, or a value of the catalogue in a query.

    Attributes:
        text: The words as typed: `under 50 dollars`.
        effect: Whether products must meet it, or rank higher if they do. The words of a filter
            leave the query.
        filters: For a price, in the form of `SearchRequest.filters`.
        excluded: For an exclusion, the unwanted things as typed: `stripes`, `palm oil`.
        language: Two-letter tag of the words that exclude; empty if they are of no language.
        values: For a brand, category, colour or size: field -> values of the catalogue. A product
            meets it by any of them in any of the fields.
    """

    kind: Literal["price", "without", "brand", "category", "colour", "size"]
    text: str
    effect: Literal["filter", "boost"] = "filter"
    filters: Mapping[str, Any] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    language: str = ""
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


class Located(NamedTuple):
    """A condition and the characters of the query that state it."""

    start: int
    end: int
    condition: Condition
