"""A shop's filters as Elasticsearch clauses."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from es_hybrid.errors import InvalidRequest

# A value, a list of values, or `{"operator": ...}`; see `filter_clauses`.
FilterValue = (
    str
    | int
    | float
    | bool
    | Sequence[str | int | float | bool | Mapping[str, Any]]
    | Mapping[str, Any]
)
Filters = Mapping[str, FilterValue]
Clauses = list[dict[str, Any]]

_BOUNDS = ("gt", "gte", "lt", "lte")
_SIGNS = {"<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}
_EXPRESSION = re.compile(r"(?P<field>[^<>=!]+)(?P<operator><=|>=|!=|<|>|=)(?P<value>.*)", re.DOTALL)


def filter_clauses(filters: Filters) -> Clauses:
    """Clauses that a document must all match.

    A value matches exactly, a list matches any of its values, a mapping names the operator:

        {"price": {"gte": 10, "lt": 50}}         a range, of numbers or dates
        {"price": [{"lt": 10}, {"gte": 50}]}     any of these ranges
        {"gtin": {"exists": True}}               has a value; False: has none
        {"brand": {"not": ["Nike", "Puma"]}}     none of these; `not` accepts any of the forms
        {"offers": {"nested": {"shop": "A", "price": {"lt": 9}}}}
                                                 one nested object matches all of these
        {"offers": {"nested": [{…}, {…}]}}       one nested object for each of these

    Several operators on one field must all match.

    Raises:
        InvalidRequest: an operator is unknown, or its value has the wrong form.

    >>> filter_clauses({"brand": "Nike", "lang": ["fr", "es"]})
    [{'term': {'brand': 'Nike'}}, {'terms': {'lang': ['fr', 'es']}}]
    """
    return [clause for field, value in filters.items() for clause in _clauses(field, value)]


def parse_filters(expressions: Iterable[str]) -> dict[str, FilterValue]:
    """Filters as typed on a command line: `brand=Nike`, `brand!=Nike`, `price<=50`.

    Repeating a field with `=` means any of the values, with `!=` none of them; bounds of one
    field form a range. A bound is a number or a date.

    Raises:
        InvalidRequest: an expression has another form.
    """
    equal: dict[str, list[str]] = {}
    operators: dict[str, dict[str, Any]] = {}
    for expression in expressions:
        match = _EXPRESSION.fullmatch(expression)
        if match is None:
            raise _unreadable(expression)
        field, operator, value = (part.strip() for part in match.groups())
        if operator == "=":
            equal.setdefault(field, []).append(value)
        elif operator == "!=":
            operators.setdefault(field, {}).setdefault("not", []).append(value)
        else:
            operators.setdefault(field, {})[_SIGNS[operator]] = _bound(value, expression)
    if both := equal.keys() & operators.keys():
        raise _unreadable(f"{min(both)}=… combined with another operator")
    return {**{field: _one_or_all(values) for field, values in equal.items()}, **operators}


def _clauses(field: str, value: FilterValue) -> Clauses:
    if isinstance(value, Mapping):
        return _by_operators(field, value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if any(isinstance(each, Mapping) for each in value):
            return [{"bool": {"should": [_all(_clauses(field, each)) for each in value]}}]
        return [{"terms": {field: list(value)}}]
    return [{"term": {field: value}}]


def _by_operators(field: str, operators: Mapping[str, Any]) -> Clauses:
    if not operators:
        raise InvalidRequest("it is empty", place=f"filter {field}", remedy="leave it out")
    bounds = {name: value for name, value in operators.items() if name in _BOUNDS}
    clauses: Clauses = [{"range": {field: bounds}}] if bounds else []
    for name, value in operators.items():
        if name in bounds:
            continue
        if name not in _OPERATORS:
            raise InvalidRequest(
                f"unknown operator {name!r}",
                place=f"filter {field}",
                remedy="use " + ", ".join([*_BOUNDS, *_OPERATORS]),
            )
        clauses += _OPERATORS[name](field, value)
    return clauses


def _exists(field: str, wanted: Any) -> Clauses:
    if not isinstance(wanted, bool):
        raise _wrong_form(field, "exists", "true or false")
    clause = {"exists": {"field": field}}
    return [clause if wanted else {"bool": {"must_not": [clause]}}]


def _not(field: str, value: Any) -> Clauses:
    """Several operators under one `not` are combined first, then negated."""
    return [{"bool": {"must_not": [_all(_clauses(field, value))]}}]


def _all(clauses: Clauses) -> dict[str, Any]:
    return clauses[0] if len(clauses) == 1 else {"bool": {"filter": clauses}}


def _nested(path: str, filters: Any) -> Clauses:
    objects = [filters] if isinstance(filters, Mapping) else filters
    if not isinstance(objects, Sequence) or not all(isinstance(o, Mapping) for o in objects):
        raise _wrong_form(path, "nested", "filters by the nested fields' names, or a list of such")
    return [
        {
            "nested": {
                "path": path,
                "query": {
                    "bool": {
                        "filter": filter_clauses(
                            {f"{path}.{field}": value for field, value in wanted.items()}
                        )
                    }
                },
            }
        }
        for wanted in objects
    ]


_OPERATORS: dict[str, Callable[[str, Any], Clauses]] = {
    "exists": _exists,
    "not": _not,
    "nested": _nested,
}


def _wrong_form(field: str, operator: str, form: str) -> InvalidRequest:
    return InvalidRequest(
        f"{operator!r} has a value of the wrong form",
        place=f"filter {field}",
        remedy=f"give {form}",
    )


def _one_or_all(values: list[str]) -> str | list[str]:
    """A single value as it is, several values as a list."""
    return values[0] if len(values) == 1 else values


def _bound(value: str, expression: str) -> float | str:
    try:
        return float(value)
    except ValueError:
        pass
    try:
        datetime.fromisoformat(value)
    except ValueError:
        raise _unreadable(expression) from None
    return value


def _unreadable(expression: str) -> InvalidRequest:
    return InvalidRequest(
        f"cannot read the filter {expression!r}",
        place="--filter",
        remedy="write it as brand=Nike, brand!=Nike, price<=50 or date>=2024-01-31",
    )
