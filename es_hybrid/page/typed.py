"""Lists, filters and values as a person types them into one field."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from es_hybrid.errors import InvalidRequest
from es_hybrid.filters import parse_filters

__all__ = ["SIGNS", "comparable", "context_of", "filters_of", "lines_of", "typed", "typed_filters"]

SIGNS = {"gte": ">=", "lte": "<=", "gt": ">", "lt": "<"}
"""Operator of a filter, and type of a criterion -> as it is typed."""


def context_of(text: str) -> dict[str, str | list[str]]:
    """The context of a search: `channel=b2b; basket=120`.

    Raises:
        InvalidRequest: it is unreadable.
    """
    context = filters_of(text, "context")
    if other := next((name for name, value in context.items() if isinstance(value, dict)), None):
        raise InvalidRequest(
            f"a search has one value of {other}, or several",
            place="context",
            remedy="write it as channel=b2b; basket=120",
        )
    return context


def filters_of(text: str, place: str) -> dict[str, Any]:
    """The filters in `brand=Nike; price<=50`.

    Args:
        place: Name of the field, for the error.

    Raises:
        InvalidRequest: one is unreadable.
    """
    try:
        return dict(parse_filters(part for part in text.split(";") if part.strip()))
    except InvalidRequest as error:
        raise InvalidRequest(error.message, place=place, remedy=error.remedy) from None


def typed_filters(filters: Mapping[str, Any]) -> Iterator[str]:
    """Expressions that `parse_filters` reads; none for operators that it does not know."""
    for name, value in filters.items():
        operators = value if isinstance(value, Mapping) else {"": value}
        for operator, values in operators.items():
            sign = {"": "=", "not": "!=", **SIGNS}.get(operator)
            several = values if isinstance(values, list | tuple) else [values]
            if sign:
                yield from (f"{name}{sign}{typed(each)}" for each in several)


def lines_of(text: str) -> list[str]:
    """The lines that are not blank."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def typed(value: Any) -> str:
    """A value as it is typed: `true`, `5`, `2.5`, a time in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(sep=" ")
    if isinstance(value, bool | float | int):
        return orjson.dumps(value).decode().removesuffix(".0")
    return str(value)


def comparable(value: Any) -> Any:
    """The value with all numbers as texts, and lists of one as what is in them."""
    if isinstance(value, Mapping):
        return {name: comparable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return comparable(value[0]) if len(value) == 1 else [comparable(each) for each in value]
    return typed(value)
