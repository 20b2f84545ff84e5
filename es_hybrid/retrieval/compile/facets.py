"""Facets: the aggregations that count them, and the counts that are read back.

A facet is a field, whose values are counted, or a number field with the bounds between which it is:
`price:50,100` counts `*-50`, `50-100` and `100-*`, the upper bound of each excluded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from es_hybrid.errors import SettingsError
from es_hybrid.retrieval.compile.filters import Filters, filter_clauses
from es_hybrid.retrieval.request import MAX_WINDOW

# Values of a facet. Merging the legs' facets is exact while a field has no more.
FACET_SIZE = 1000

# No field has this name.
GROUPS = "/groups"

# The terms inside a facet that the other facets' ticked values narrow.
_VALUES = "values"
_NONE = "none"


def facet_aggregations(facets: Sequence[str], selected: Filters) -> dict[str, Any]:
    """One aggregation a field.

    A facet counts what would be found with its own ticks taken back: the ticks of all other fields
    narrow it, its own do not.

    Args:
        selected: Field -> ticked values, which the hits are cut by *after* aggregating.

    Raises:
        SettingsError: bounds that are no ascending numbers, or a field that is named twice.
    """
    aggregations: dict[str, Any] = {}
    for facet in facets:
        field, _, bounds = facet.partition(":")
        if field in aggregations:
            raise SettingsError(
                f"{field} is named twice", place="facets", remedy="name each field once"
            )
        aggregations[field] = _narrowed(field, _counted(field, bounds), selected)
    return aggregations


def facet_counts(
    facets: Sequence[str], aggregations: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Field -> value or range -> count.

    Values: the most frequent first, equal counts by value, none of 0. Ranges: all, ascending.
    """
    counts = {}
    for facet in facets:
        field, _, bounds = facet.partition(":")
        buckets = aggregations[field].get(_VALUES, aggregations[field])["buckets"]
        found = {_label(bucket): bucket["doc_count"] for bucket in buckets}
        counts[field] = found if bounds else _most_frequent_first(found)
    return counts


def group_aggregation(field: str, selected: Filters) -> dict[str, Any]:
    """Counts the different values of a field among what is shown, and those without one."""
    return {
        "filter": {"bool": {"filter": filter_clauses(selected)}},
        "aggs": {
            _VALUES: {"terms": {"field": field, "size": MAX_WINDOW}},
            _NONE: {"missing": {"field": field}},
        },
    }


def group_count(groups: Mapping[str, Any]) -> int:
    """Groups when collapsed; products without a value form one of their own."""
    return len(groups[_VALUES]["buckets"]) + bool(groups[_NONE]["doc_count"])


def _narrowed(field: str, counted: dict[str, Any], selected: Filters) -> dict[str, Any]:
    others = {name: value for name, value in selected.items() if name != field}
    if not others:
        return counted
    return {"filter": {"bool": {"filter": filter_clauses(others)}}, "aggs": {_VALUES: counted}}


def _counted(field: str, bounds: str) -> dict[str, Any]:
    if not bounds:
        return {"terms": {"field": field, "size": FACET_SIZE}}
    steps = [step.strip() for step in bounds.split(",")]
    if not _ascend(steps):
        raise SettingsError(
            f"cannot read the bounds {bounds!r} of {field}",
            place="facets",
            remedy="write ascending numbers, as in price:50,100,200",
        )
    ranges = [
        {"key": f"{low}-{high}", "from": float(low), "to": float(high)}
        for low, high in pairwise(steps)
    ]
    first = {"key": f"*-{steps[0]}", "to": float(steps[0])}
    last = {"key": f"{steps[-1]}-*", "from": float(steps[-1])}
    return {"range": {"field": field, "ranges": [first, *ranges, last]}}


def _ascend(steps: Sequence[str]) -> bool:
    try:
        numbers = [float(step) for step in steps]
    except ValueError:
        return False
    return all(map(math.isfinite, numbers)) and all(a < b for a, b in pairwise(numbers))


def _most_frequent_first(counts: Mapping[str, int]) -> dict[str, int]:
    found = [item for item in counts.items() if item[1]]
    return dict(sorted(found, key=lambda item: (-item[1], item[0])))


def _label(bucket: Mapping[str, Any]) -> str:
    """A number's or date's own text where it has one."""
    return str(bucket.get("key_as_string", bucket["key"]))
