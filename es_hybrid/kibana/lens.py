"""Charts of Lens, Kibana's visualizations, from the short form in `mappings/kibana`.

A chart is a table of columns, each of which is an aggregation: buckets first, then metrics. The
ratio of two metrics takes four columns: both metrics, their quotient, and the formula that shows
it. Every query is in Lucene's syntax, which Elasticsearch reads as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Name -> column. Lens identifies columns and layers by any string that is unique in the chart.
LensColumns = dict[str, dict[str, Any]]

LAYER = "data"
# Name of the reference from a chart to its data view.
DATA_VIEW_REFERENCE = f"indexpattern-datasource-layer-{LAYER}"
_RECORDS = "___records___"
_TYPES = {"metric": "lnsMetric", "pie": "lnsPie", "table": "lnsDatatable"}


def lens_chart(panel: Mapping[str, Any], data_view: str) -> dict[str, Any]:
    """The attributes of a chart.

    Args:
        panel: `title`, `chart`, `metrics`, and whichever of `by`, `x`, `split`, `query` and
            `description` the chart has; see docs/kibana.md.
        data_view: Id of the data view it reads.
    """
    metrics = [_metric(f"metric{place}", metric) for place, metric in enumerate(panel["metrics"])]
    shown = [f"metric{place}" for place in range(len(metrics))]
    buckets = {
        name: _bucket(bucket, order=shown[0]) for name, bucket in _buckets(panel).items()
    }  # fmt: skip
    columns: LensColumns = {**buckets, **{name: c for each in metrics for name, c in each.items()}}
    layer = {"columns": columns, "columnOrder": list(columns), "incompleteColumns": {}}
    return {
        "title": panel["title"],
        "description": panel.get("description", ""),
        "visualizationType": _TYPES.get(panel["chart"], "lnsXY"),
        "type": "lens",
        "references": [
            {"type": "index-pattern", "id": data_view, "name": DATA_VIEW_REFERENCE}
        ],
        "state": {
            "visualization": _visualization(panel["chart"], list(buckets), shown),
            "query": _lucene(panel.get("query", "")),
            "filters": [],
            "datasourceStates": {
                "formBased": {"layers": {LAYER: layer}},
                "textBased": {"layers": {}},
            },
            "internalReferences": [],
            "adHocDataViews": {},
        },
    }  # fmt: skip


def _buckets(panel: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """The buckets by column; outer ones first."""
    if "x" not in panel:
        return {f"by{place}": bucket for place, bucket in enumerate(panel.get("by", ()))}
    # The same series over the whole axis: those with the most in all of it, as Lens does.
    order = ("x", "split") if "values" in panel["x"] else ("split", "x")
    return {name: panel[name] for name in order if name in panel}


def _visualization(chart: str, buckets: list[str], metrics: list[str]) -> dict[str, Any]:
    layer = {"layerId": LAYER, "layerType": "data"}
    match chart:
        case "metric":
            return {**layer, "metricAccessor": metrics[0]}
        case "table":
            return {**layer, "columns": [{"columnId": name} for name in (*buckets, *metrics)]}
        case "pie":
            layer |= {"numberDisplay": "percent", "categoryDisplay": "default"}
            shown = {"legendDisplay": "default", "nestedLegend": False}
            groups = {"primaryGroups": buckets, "metrics": metrics}
            return {"shape": "pie", "layers": [{**layer, **shown, **groups}]}
        case _:
            split = {"splitAccessor": "split"} if "split" in buckets else {}
            axes = {"seriesType": chart, "xAccessor": "x", "accessors": metrics, **split}
            return {
                "preferredSeriesType": chart,
                "legend": {"isVisible": True, "position": "right"},
                "valueLabels": "hide",
                # A line goes on over times without events.
                "fittingFunction": "Linear",
                "layers": [{**layer, **axes}],
            }


def _bucket(bucket: Mapping[str, Any], *, order: str) -> dict[str, Any]:
    if "time" in bucket:
        return {
            **_labelled(bucket, default=bucket["time"]),
            "dataType": "date",
            "operationType": "date_histogram",
            "sourceField": bucket["time"],
            "isBucketed": True,
            "scale": "interval",
            "params": {"interval": "auto", "includeEmptyRows": True, "dropPartials": False},
        }
    if "numbers" in bucket:
        return {
            **_labelled(bucket),
            "dataType": "number",
            "operationType": "range",
            "sourceField": bucket["numbers"],
            "isBucketed": True,
            "scale": "interval",
            "params": {
                "type": "histogram",
                "ranges": [{"from": 0, "to": 1000, "label": ""}],  # unused, but Lens expects it
                "maxBars": "auto",
                "includeEmptyRows": True,
            },
        }
    return {
        **_labelled(bucket),
        "dataType": "string",
        "operationType": "terms",
        "sourceField": bucket["values"],
        "isBucketed": True,
        "scale": "ordinal",
        "params": {
            "size": bucket["size"],
            "orderBy": {"type": "column", "columnId": order},
            "orderDirection": "desc",
            "otherBucket": not bucket.get("missing", False),
            "missingBucket": bucket.get("missing", False),
            "parentFormat": {"id": "terms"},
        },
    }


def _metric(name: str, metric: Mapping[str, Any]) -> LensColumns:
    """The columns of one metric; the one to show has its name."""
    if "share" in metric:
        counted = _number("count", _RECORDS)
        matching = {**counted, "filter": _lucene(metric["share"])}
        formula = f"count(lucene='{metric['share']}') / count()"
        return _quotient(name, metric, formula, matching, counted)
    if "ratio" in metric:
        above, below = metric["ratio"]
        formula = f"sum({above}) / sum({below})"
        return _quotient(name, metric, formula, _number("sum", above), _number("sum", below))
    operation = next(key for key in metric if key not in ("label", "where"))
    field, params = metric[operation], {}
    if operation == "percentile":
        field, params = field[0], {"percentile": field[1]}
    column = _number(operation, _RECORDS if operation == "count" else field, params)
    where = {"filter": _lucene(metric["where"])} if "where" in metric else {}
    return {name: {**column, **_labelled(metric), **where}}


def _quotient(
    name: str,
    metric: Mapping[str, Any],
    formula: str,
    above: dict[str, Any],
    below: dict[str, Any],
) -> LensColumns:
    parts = [f"{name}X0", f"{name}X1"]
    tree = {
        "type": "function",
        "name": "divide",
        "args": parts,
        "location": {"min": 0, "max": len(formula)},
        "text": formula,
    }
    part = {"label": f"Part of {formula}", "customLabel": True}
    shown = {"formula": formula, "isFormulaBroken": False}
    percent = {"id": "percent", "params": {"decimals": 1}}
    return {
        name: {
            **_calculated("formula", [f"{name}X2"], {**shown, "format": percent}),
            **_labelled(metric),
        },
        parts[0]: {**above, **part},
        parts[1]: {**below, **part},
        f"{name}X2": {**_calculated("math", parts, {"tinymathAst": tree}), **part},
    }


def _number(operation: str, field: str, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A column that aggregates a field to one number."""
    return {
        "dataType": "number",
        "operationType": operation,
        "sourceField": field,
        "isBucketed": False,
        "scale": "ratio",
        "params": {"emptyAsNull": False, **(params or {})},
    }


def _calculated(operation: str, references: list[str], params: Mapping[str, Any]) -> dict[str, Any]:
    """A column that Kibana calculates from others."""
    return {
        "dataType": "number",
        "operationType": operation,
        "references": references,
        "isBucketed": False,
        "scale": "ratio",
        "params": params,
    }


def _labelled(given: Mapping[str, Any], default: str = "") -> dict[str, Any]:
    return {"label": given.get("label", default), "customLabel": "label" in given}


def _lucene(query: str) -> dict[str, str]:
    return {"query": query, "language": "lucene"}
