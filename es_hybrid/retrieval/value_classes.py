"""The facet values that mean the same, read for a search that names its shopper's languages."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping
from dataclasses import replace
from typing import Any

from es_hybrid.filters import Filters, FilterValue
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.execution.requests import path_of
from es_hybrid.retrieval.needs import Call, Need, Reply
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.understanding.value_classes import (
    NO_CLASSES,
    ValueClasses,
    classes_in,
    classes_request,
)


def with_classes(
    request: SearchRequest, context: Context
) -> Generator[Need, Any, tuple[SearchRequest, ValueClasses]]:
    """The request, whose filters by a value mean its whole class, and the classes for its facets.

    Nothing is read for a request without `display_lang`, or without facets and filters.

    Raises:
        ElasticsearchError: the cluster cannot be reached.
    """
    counted_or_filtered = request.facets or request.filters or request.selected
    if not (request.display_lang and counted_or_filtered):
        return request, NO_CLASSES
    classes: ValueClasses | None = context.value_classes.get(context.index)
    if classes is None:
        classes = context.value_classes[context.index] = yield from _read(context.index)
    widened = replace(
        request,
        filters=_widened(request.filters, classes),
        selected=_widened(request.selected, classes),
    )
    return widened, classes


def _read(index: str) -> Generator[Need, Any, ValueClasses]:
    """The classes; none if they were never written, or the caller may not read them."""
    path, body = classes_request(index.split(","))
    reply: Reply = yield Call("POST", path, {}, body)
    classes = NO_CLASSES if reply.status >= 400 else classes_in(reply.body)
    if not classes.classes:
        return NO_CLASSES
    reply = yield Call("POST", path_of(index, "_search"), {}, _count_of(classes.fields))
    if reply.status >= 400:
        return classes
    counts = reply.body["aggregations"]
    single = (name for name in counts if counts[name]["doc_count"] == counts[name]["all"]["value"])
    return replace(classes, single=frozenset(single))


def _count_of(fields: Iterable[str]) -> Mapping[str, Any]:
    """The search that counts the products with a value of each field, and the values."""
    return {
        "size": 0,
        "track_total_hits": False,
        "aggs": {
            name: {
                "filter": {"exists": {"field": name}},
                "aggs": {"all": {"value_count": {"field": name}}},
            }
            for name in fields
        },
    }


def _widened(filters: Filters, classes: ValueClasses) -> Filters:
    return {
        name: _whole(name, value, classes) if classes.of(name) else value
        for name, value in filters.items()
    }


def _whole(name: str, value: FilterValue, classes: ValueClasses) -> FilterValue:
    """A filter by a value as one by all values of its class; see `filter_clauses` for its forms."""
    if isinstance(value, Mapping):
        return {
            operator: _whole(name, wanted, classes) if operator == "not" else wanted
            for operator, wanted in value.items()
        }
    if isinstance(value, str | int | float):
        same = classes.same(name, value)
        return list(same) if len(same) > 1 else value
    found: list[Any] = []
    for each in value:
        if isinstance(each, Mapping):
            found.append(_whole(name, each, classes))
        else:
            found += classes.same(name, each)
    return list(dict.fromkeys(found)) if not any(isinstance(e, Mapping) for e in found) else found
