"""Filters in a shop's terms, as Elasticsearch clauses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from es_hybrid.errors import SettingsError

# A value matches exactly, a list matches any of its values, a mapping is a range.
FilterValue = str | int | float | bool | Sequence[str | int | float] | Mapping[str, str | float]
Filters = Mapping[str, FilterValue]

_RANGE = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_EXPRESSION = re.compile(r"(?P<field>[^<>=]+)(?P<operator><=|>=|<|>|=)(?P<value>.*)", re.DOTALL)


def filter_clauses(filters: Filters) -> list[dict[str, Any]]:
    """One clause a field; a document must match them all.

    >>> filter_clauses({"brand": "Nike", "lang": ["fr", "es"], "price": {"lte": 50}})
    [{'term': {'brand': 'Nike'}}, {'terms': {'lang': ['fr', 'es']}}, {'range': {'price': {'lte': 50}}}]
    """  # noqa: E501
    return [_clause(field, value) for field, value in filters.items()]


def parse_filters(expressions: Iterable[str]) -> dict[str, FilterValue]:
    """Filters as typed on a command line: `brand=Nike`, `price<=50`.

    The same field with `=` again means any of the values; bounds of one field join into a range.

    Raises:
        SettingsError: an expression that is none of these.
    """
    values: dict[str, list[str]] = {}
    ranges: dict[str, dict[str, float]] = {}
    for expression in expressions:
        match = _EXPRESSION.fullmatch(expression)
        if match is None:
            raise _unreadable(expression)
        field, operator, value = (part.strip() for part in match.groups())
        if operator == "=":
            values.setdefault(field, []).append(value)
        else:
            ranges.setdefault(field, {})[_RANGE[operator]] = _bound(value, expression)
    single = {field: found[0] if len(found) == 1 else found for field, found in values.items()}
    return {**single, **ranges}


def _clause(field: str, value: FilterValue) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return {"range": {field: dict(value)}}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return {"terms": {field: list(value)}}
    return {"term": {field: value}}


def _bound(value: str, expression: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise _unreadable(expression) from None


def _unreadable(expression: str) -> SettingsError:
    return SettingsError(
        f"cannot read the filter {expression!r}",
        place="--filter",
        remedy="write it as brand=Nike or price<=50",
    )
