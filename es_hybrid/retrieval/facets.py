"""Facets: the aggregations that count them, and the counts that are read back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.retrieval.filters import Filters, filter_clauses
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
    """
    return {field: _facet(field, selected) for field in facets}


def facet_counts(
    facets: Sequence[str], aggregations: Mapping[str, Any]
) -> dict[str, dict[str, int]]:
    """Field -> value -> count, the most frequent first, equal counts by value."""
    return {field: _counts(aggregations[field]) for field in facets}


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


def _facet(field: str, selected: Filters) -> dict[str, Any]:
    terms = {"terms": {"field": field, "size": FACET_SIZE}}
    others = {name: value for name, value in selected.items() if name != field}
    if not others:
        return terms
    return {"filter": {"bool": {"filter": filter_clauses(others)}}, "aggs": {_VALUES: terms}}


def _counts(facet: Mapping[str, Any]) -> dict[str, int]:
    buckets = facet.get(_VALUES, facet)["buckets"]
    counts = {_label(bucket): bucket["doc_count"] for bucket in buckets if bucket["doc_count"]}
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _label(bucket: Mapping[str, Any]) -> str:
    """A number's or date's own text where it has one."""
    return str(bucket.get("key_as_string", bucket["key"]))
