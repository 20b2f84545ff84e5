"""Facets: the aggregations that count them, and the counts read from the answer.

A facet is a field whose values are counted, or a number field with bounds: `price:50,100` counts
`*-50`, `50-100` and `100-*`, excluding the upper bound of each range.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from es_hybrid.errors import InvalidRequest
from es_hybrid.filters import Filters, filter_clauses
from es_hybrid.retrieval.nodes import Clause
from es_hybrid.retrieval.request import MAX_WINDOW
from es_hybrid.understanding.value_classes import NO_CLASSES, ValueClasses

# Values counted for a facet. Merging the facets of the legs is exact up to this number.
FACET_SIZE = 1000

# No field has this name.
GROUPS = "/groups"

# Ends the name of the aggregation that counts the classes of a field's values.
_CLASSES = "/classes"

# The terms aggregation inside a facet that is narrowed by the ticked values of other facets.
_VALUES = "values"
_NONE = "none"
_ESTIMATE = "estimate"
# Up to so many values, Elasticsearch's estimate is off by one or two.
_PRECISION = 40_000


def facet_aggregations(
    facets: Sequence[str],
    selected: Filters,
    group: str | None = None,
    classes: ValueClasses = NO_CLASSES,
) -> dict[str, Any]:
    """One aggregation for each field, and another one for its values that mean the same.

    A facet counts what would be found without its own ticked values: the ticked values of all other
    fields narrow it, its own do not.

    Args:
        selected: Field -> ticked values, which filter the hits *after* aggregation.
        group: Field whose values are counted in place of products.
        classes: Values that are counted as one. Where a product may have two of them, their sum
            would count it twice.

    Raises:
        InvalidRequest: bounds are not ascending numbers, or a field is named twice.
    """
    aggregations: dict[str, Any] = {}
    for facet in facets:
        field, _, bounds = facet.partition(":")
        if field in aggregations:
            raise InvalidRequest(
                f"{field} is named twice", place="facets", remedy="name each field once"
            )
        every = {field: _counted(field, bounds)}
        if not bounds and (same := classes.of(field)) and field not in classes.single:
            filters = [{"terms": {field: list(each.values)}} for each in same]
            every[field + _CLASSES] = {"filters": {"filters": filters}}
        for name, counted in every.items():
            if group:
                counted["aggs"] = _groups(group)
            aggregations[name] = _narrowed(field, counted, selected)
    return aggregations


def facet_counts(
    facets: Sequence[str],
    aggregations: Mapping[str, Any],
    classes: ValueClasses = NO_CLASSES,
    languages: Sequence[str] = (),
) -> dict[str, dict[str, int]]:
    """Field -> value or range -> count.

    Values: most frequent first, ties by value, without zeros. Ranges: all, ascending.

    Args:
        classes: As for `facet_aggregations`.
        languages: A class is called by its value in the first of these that it has.
    """
    counts = {}
    for facet in facets:
        field, _, bounds = facet.partition(":")
        buckets = {_label(bucket): bucket for bucket in _buckets(aggregations[field])}
        together = {}
        for number, each in enumerate(() if bounds else classes.of(field)):
            members = [buckets.pop(value) for value in each.values if value in buckets]
            if field not in classes.single:
                members = [_buckets(aggregations[field + _CLASSES])[number]]
            together[each.label(languages)] = _count(*members)
        found = {label: _count(bucket) for label, bucket in buckets.items()} | together
        counts[field] = found if bounds else _most_frequent_first(found)
    return counts


def group_aggregation(field: str, selected: Sequence[Clause]) -> dict[str, Any]:
    """Counts the groups among the hits; a hit without a value is one of its own."""
    estimate = {"cardinality": {"field": field, "precision_threshold": _PRECISION}}
    return {
        "filter": {"bool": {"filter": selected}},
        "aggs": {**_groups(field), _ESTIMATE: estimate},
    }


def group_count(groups: Mapping[str, Any]) -> int:
    """Number of groups, exact up to 10,000: no page shows more."""
    if groups[GROUPS]["sum_other_doc_count"]:
        return int(groups[_ESTIMATE]["value"]) + int(groups[_NONE]["doc_count"])
    return _count(groups)


def _groups(field: str) -> dict[str, Any]:
    return {
        GROUPS: {"terms": {"field": field, "size": MAX_WINDOW}},
        _NONE: {"missing": {"field": field}},
    }


def _count(*buckets: Mapping[str, Any]) -> int:
    """Number of products in buckets that share none, or of groups if they are counted."""
    groups = {group["key"] for bucket in buckets if GROUPS in bucket
              for group in bucket[GROUPS]["buckets"]}  # fmt: skip
    alone = sum(bucket.get(_NONE, bucket)["doc_count"] for bucket in buckets)
    return len(groups) + int(alone)


def _buckets(aggregation: Mapping[str, Any]) -> Any:
    """The buckets of an aggregation that may be narrowed."""
    return aggregation.get(_VALUES, aggregation)["buckets"]


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
        raise InvalidRequest(
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
    """The formatted text of a number or date, if there is one."""
    return str(bucket.get("key_as_string", bucket["key"]))
