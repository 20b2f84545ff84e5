"""Aggregations of two disjoint sets, added up to those of their union.

The lexical leaf counts its matches, the vector leaf those of its neighbours that the lexical query
does not match. The aggregations supported here can be added up; all others need a request over the
union itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# An aggregation as requested, or as answered.
Spec = Mapping[str, Any]

# Buckets requested from each set. The sum is exact if neither set has more values.
BUCKETS = 1000
_DEFAULT_SIZE = 10

_PLAIN_TERMS = {"field", "size", "missing", "include", "exclude", "format"}


def addable(aggs: Spec) -> bool:
    """Whether the aggregations of the union follow from those of the two sets."""
    return isinstance(aggs, Mapping) and all(_addable(spec) for spec in aggs.values())


def widened(aggs: Spec) -> dict[str, Any]:
    """The same aggregations, with `terms` large enough for the values of both sets."""
    return {name: _widened(spec) for name, spec in aggs.items()}


def added(aggs: Spec, first: Spec, second: Spec) -> dict[str, Any] | None:
    """The aggregations of the union; None if a set had more values than `BUCKETS`.

    Args:
        aggs: The aggregations as requested, before `widened`.
        first: The `aggregations` of one set.
        second: The `aggregations` of the other.
    """
    sums = {name: _added(spec, first[name], second[name]) for name, spec in aggs.items()}
    if any(total is None for total in sums.values()):
        return None
    return sums


def _kind(spec: Spec) -> str | None:
    """The type of an aggregation that can be added up."""
    kinds = [name for name in spec if name not in ("aggs", "aggregations", "meta")]
    return kinds[0] if len(kinds) == 1 and "meta" not in spec else None


def _inner(spec: Spec) -> Spec:
    inner: Spec = spec.get("aggs") or spec.get("aggregations") or {}
    return inner


def _addable(spec: Any) -> bool:
    """False for malformed entries; Elasticsearch refuses those itself."""
    if not isinstance(spec, Mapping):
        return False
    match _kind(spec):
        case "terms":
            terms = spec["terms"]
            return (
                isinstance(terms, Mapping)
                and terms.keys() <= _PLAIN_TERMS
                and isinstance(terms.get("size", _DEFAULT_SIZE), int)
                and not _inner(spec)
            )
        case "filter" | "filters" | "missing" | "range":
            return addable(_inner(spec))
        case "value_count" | "sum" | "min" | "max":
            return True
        case _:
            return False


def _widened(spec: Spec) -> dict[str, Any]:
    wide = dict(spec)
    if "terms" in spec:
        asked = spec["terms"].get("size", _DEFAULT_SIZE)
        wide["terms"] = {**spec["terms"], "size": max(asked, BUCKETS)}
    if inner := _inner(spec):
        wide.pop("aggregations", None)
        wide["aggs"] = widened(inner)
    return wide


def _added(spec: Spec, first: Spec, second: Spec) -> dict[str, Any] | None:
    match _kind(spec):
        case "terms":
            return _terms(spec, first, second)
        case "filters" | "range":
            return _ranges(spec, first["buckets"], second["buckets"])
        case "filter" | "missing":
            return _bucket(spec, first, second)
        case "min" | "max" as kind:
            known = [answer["value"] for answer in (first, second) if answer["value"] is not None]
            return {"value": (min if kind == "min" else max)(known, default=None)}
        case _:
            return {"value": first["value"] + second["value"]}


def _terms(spec: Spec, first: Spec, second: Spec) -> dict[str, Any] | None:
    if first["sum_other_doc_count"] or second["sum_other_doc_count"]:
        return None
    buckets = {bucket["key"]: dict(bucket) for bucket in first["buckets"]}
    for bucket in second["buckets"]:
        if bucket["key"] in buckets:
            buckets[bucket["key"]]["doc_count"] += bucket["doc_count"]
        else:
            buckets[bucket["key"]] = dict(bucket)
    ordered = sorted(buckets.values(), key=lambda bucket: (-bucket["doc_count"], bucket["key"]))
    size = spec["terms"].get("size", _DEFAULT_SIZE)
    return {
        "doc_count_error_upper_bound": 0,
        "sum_other_doc_count": sum(bucket["doc_count"] for bucket in ordered[size:]),
        "buckets": ordered[:size],
    }


def _ranges(spec: Spec, first: Any, second: Any) -> dict[str, Any] | None:
    if isinstance(first, Mapping):  # keyed
        keyed = {key: _bucket(spec, first[key], second[key]) for key in first}
        return None if None in keyed.values() else {"buckets": keyed}
    listed = [_bucket(spec, one, other) for one, other in zip(first, second, strict=True)]
    return None if None in listed else {"buckets": listed}


def _bucket(spec: Spec, first: Spec, second: Spec) -> dict[str, Any] | None:
    inner = _inner(spec)
    kept = {name: value for name, value in first.items() if name not in inner}
    total = {**kept, "doc_count": first["doc_count"] + second["doc_count"]}
    if inner:
        below = added(inner, first, second)
        if below is None:
            return None
        total |= below
    return total
