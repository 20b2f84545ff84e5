"""The searches that Kibana sends for a Lens chart, and the rows that it shows.

Follows `toEsAggsFn` of Lens' operations. Two choices of Kibana depend on the screen: the interval
of a time axis, here an hour, and that of a number axis, here 0.05.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.kibana.saved_objects import Column, Layer, Panel, Query

_MISSING = "__missing__"
_OPERATIONS = {"average": "avg", "max": "max", "sum": "sum"}
# Calculated by Kibana from other columns.
_CALCULATED = ("formula", "math")
Row = dict[str, Any]


def search_body(panel: Panel, layer: Layer) -> dict[str, Any]:
    """The body of the chart's `_search`."""
    aggregations = {
        name: _aggregation(column)
        for name, column in layer.columns.items()
        if not column.isBucketed and column.operationType not in _CALCULATED
    }
    aggs = {name: each for name, each in aggregations.items() if each}
    for name, column in reversed(layer.columns.items()):
        if column.isBucketed:
            # Terms are ordered by a metric of their own level.
            order = column.params.get("orderBy", {}).get("columnId")
            own = {order: each} if order and (each := aggregations[order]) else {}
            aggs = {name: {**_buckets(column, layer), "aggs": {**own, **aggs}}}
    query = _query(panel.embeddableConfig.attributes.state.query)
    return {"size": 0, "track_total_hits": True, "query": query, "aggs": aggs}


def rows(layer: Layer, answer: Mapping[str, Any]) -> list[Row]:
    """The rows of the chart: label of a column -> its value."""
    whole = {**answer.get("aggregations", {}), "doc_count": answer["hits"]["total"]["value"]}
    buckets = [name for name, column in layer.columns.items() if column.isBucketed]
    return list(_rows(layer, whole, buckets))


def _rows(layer: Layer, found: Mapping[str, Any], buckets: list[str]) -> Iterator[Row]:
    if not buckets:
        yield _metrics(layer, found)
        return
    name, *inner = buckets
    label = layer.columns[name].label
    for bucket in found[name]["buckets"]:
        for row in _rows(layer, bucket, inner):
            yield {label: bucket.get("key_as_string", bucket["key"]), **row}


def _metrics(layer: Layer, found: Mapping[str, Any]) -> Row:
    values: dict[str, Any] = {}
    for name, column in layer.columns.items():
        if not column.isBucketed and column.operationType not in _CALCULATED:
            values[name] = _value(column, name, found)
    shown = {}
    for name, column in layer.columns.items():
        if column.operationType == "formula":
            (quotient,) = column.references
            above, below = (values[part] for part in layer.columns[quotient].references)
            shown[column.label] = above / below if below else None
        elif name in values and not name.endswith(("X0", "X1")):
            shown[column.label] = values[name]
    return shown


def _value(column: Column, name: str, found: Mapping[str, Any]) -> Any:
    if column.operationType == "count":
        return (found[name] if column.filter else found)["doc_count"]
    if "values" in found[name]:
        (value,) = found[name]["values"].values()
        return value
    return found[name]["value"]


def _aggregation(column: Column) -> dict[str, Any] | None:
    """The aggregation of a metric; None for a count of documents, which needs none."""
    if column.operationType == "count":
        return {"filter": _query(column.filter)} if column.filter else None
    if column.operationType in ("median", "percentile"):
        percent = column.params.get("percentile", 50)
        return {"percentiles": {"field": column.sourceField, "percents": [percent]}}
    return {_OPERATIONS[column.operationType]: {"field": column.sourceField}}


def _buckets(column: Column, layer: Layer) -> dict[str, Any]:
    field = {"field": column.sourceField}
    if column.operationType == "date_histogram":
        return {"date_histogram": {**field, "fixed_interval": "1h", "min_doc_count": 1}}
    if column.operationType == "range":
        return {"histogram": {**field, "interval": 0.05, "min_doc_count": 1}}
    order = column.params["orderBy"]["columnId"]
    ordering = layer.columns[order]
    counted = ordering.operationType == "count" and not ordering.filter
    terms = {
        **field,
        "size": column.params["size"],
        "order": {"_count" if counted else order: "desc"},
    }
    if column.params["missingBucket"]:
        terms["missing"] = _MISSING
    return {"terms": terms}


def _query(query: Query) -> dict[str, Any]:
    """As `luceneStringToDsl` of Kibana."""
    assert query.language == "lucene"
    if not query.query:
        return {"match_all": {}}
    return {"query_string": {"query": query.query, "analyze_wildcard": True}}


def what_it_shows(layer: Layer) -> str:
    """The chart in words: `sum of rows; by outcome and time`."""
    metrics = [column for column in layer.columns.values() if not column.isBucketed]
    shown = [_in_words(column) for column in metrics if not column.label.startswith("Part of ")]
    by = [f"`{column.sourceField}`" for column in layer.columns.values() if column.isBucketed]
    text = ", ".join(shown) + (f"; by {', '.join(by)}" if by else "")
    return re.sub(r"es_hybrid\.(catalogue|search|load|align)\.", "", text)


def _in_words(column: Column) -> str:
    if column.operationType == "formula":
        return f"`{column.params['formula']}`"
    if column.operationType == "count":
        return f"number where `{column.filter.query}`" if column.filter else "number"
    if column.operationType == "percentile":
        return f"p{column.params['percentile']} of `{column.sourceField}`"
    return f"{column.operationType} of `{column.sourceField}`"


def answer(layer: Layer, found: list[Row], most: int = 3) -> str:
    """The first rows, without their times."""
    lines = [_line(layer, row) for row in found]
    more = [f"… {len(lines)} rows"] if len(lines) > most else []
    return "<br>".join([*lines[:most], *more])


def _line(layer: Layer, row: Row) -> str:
    keys, values = [], []
    for column in layer.columns.values():
        if column.label not in row or column.operationType == "date_histogram":
            continue
        value = row[column.label]
        if column.isBucketed:
            keys.append("(missing value)" if value == _MISSING else str(value))
        elif column.operationType == "formula":
            values.append(f"{value:.1%} {column.label}")
        else:
            number = f"{value:,.4g}" if isinstance(value, float) else f"{value:,}"
            values.append(f"{number} {column.label}")
    return ": ".join(part for part in (" · ".join(keys), ", ".join(values)) if part)
