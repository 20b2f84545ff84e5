"""Dashboards as saved objects, from their short form in `mappings/kibana`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from es_hybrid.kibana.lens import DATA_VIEW_REFERENCE, lens_chart

# Columns of a dashboard's grid.
_WIDTH = 48
_NO_QUERY = {"query": {"query": "", "language": "kuery"}, "filter": []}
_HEED_ALL = dict.fromkeys(
    ("ignoreFilters", "ignoreQuery", "ignoreTimerange", "ignoreValidations"), False
)


def dashboard(form: Mapping[str, Any]) -> dict[str, Any]:
    """The saved object, as Kibana 8.16 and later import it.

    Args:
        form: A file of `mappings/kibana`, with every name filled in.
    """
    panels = [{**form.get("defaults", {}), **panel} for panel in form["panels"]]
    charts = [
        _panel(panel, place)
        for panel, place in zip(panels, _places([panel["size"] for panel in panels]), strict=True)
    ]
    controls = {f"control{place}": each for place, each in enumerate(form.get("controls", ()))}
    return {
        "type": "dashboard",
        "id": form["id"],
        "attributes": {
            "title": form["title"],
            "description": form["description"],
            "panelsJSON": json.dumps(charts),
            "optionsJSON": json.dumps({"useMargins": True, "hidePanelTitles": False}),
            "kibanaSavedObjectMeta": {"searchSourceJSON": json.dumps(_NO_QUERY)},
            "timeRestore": True,
            "timeFrom": form["from"],
            "timeTo": "now",
            "version": 1,
            "controlGroupInput": _control_group(controls),
        },
        "references": [
            *(
                _reference(chart["panelIndex"], DATA_VIEW_REFERENCE, panel["data"])
                for chart, panel in zip(charts, panels, strict=True)
            ),
            *(
                _reference(f"controlGroup_{name}", "optionsListDataView", form["defaults"]["data"])
                for name in controls
            ),
        ],
        "coreMigrationVersion": "8.8.0",
        "typeMigrationVersion": "10.2.0",
    }


def data_view_id(data: str) -> str:
    """Id of the data view that a panel names: `products`, `events` or `pairs`."""
    return f"es-hybrid-{data}"


def _panel(panel: Mapping[str, Any], place: Mapping[str, int]) -> dict[str, Any]:
    name = "-".join(panel["title"].lower().split())
    return {
        "type": "lens",
        "panelIndex": name,
        "gridData": {**place, "i": name},
        "title": panel["title"],
        "embeddableConfig": {
            "attributes": lens_chart(panel, data_view_id(panel["data"])),
            "enhancements": {},
        },
    }


def _places(sizes: list[list[int]]) -> Iterator[dict[str, int]]:
    """Panels from left to right in rows as high as their highest panel."""
    x = y = height = 0
    for w, h in sizes:
        if x + w > _WIDTH:
            x, y, height = 0, y + height, 0
        yield {"x": x, "y": y, "w": w, "h": h}
        x, height = x + w, max(height, h)


def _control_group(controls: Mapping[str, Mapping[str, str]]) -> dict[str, Any]:
    """Lists above the panels that filter all of them."""
    panels = {
        name: {
            "type": "optionsListControl",
            "order": order,
            "width": "medium",
            "grow": False,
            "explicitInput": {
                "id": name,
                "fieldName": control["field"],
                "title": control["label"],
                "selectedOptions": [],
            },
        }
        for order, (name, control) in enumerate(controls.items())
    }
    return {
        "controlStyle": "oneLine",
        "chainingSystem": "HIERARCHICAL",
        "panelsJSON": json.dumps(panels),
        "ignoreParentSettingsJSON": json.dumps(_HEED_ALL),
    }


def _reference(owner: str, name: str, data: str) -> dict[str, str]:
    return {"type": "index-pattern", "id": data_view_id(data), "name": f"{owner}:{name}"}
