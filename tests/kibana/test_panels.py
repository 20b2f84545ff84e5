"""Every panel's search on a real node, over what a shop wrote that was really used."""

from __future__ import annotations

import re
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.kibana import Names, as_ndjson, saved_objects
from tests.kibana.aggregations import rows, search_body
from tests.kibana.saved_objects import Dashboard, DataView, Layer, Panel, panels, read_ndjson
from tests.kibana.test_objects import DASHBOARDS

PANELS = [(dashboard.id, panel.title) for dashboard in DASHBOARDS for panel, _ in panels(dashboard)]
# Kibana's type of a column -> the types of fields that it can show.
_FITTING = {
    "date": {"date"},
    "string": {"keyword"},
    "number": {"long", "float", "double", "integer", "date"},
}
_IN_QUERY = re.compile(r"_exists_:([\w.@]+)|([\w.@]+):")


class Shown:
    """One panel, the index that it reads, and the fields of that index."""

    def __init__(self, es: Elasticsearch, names: Names, dashboard: str, title: str) -> None:
        objects = read_ndjson(as_ndjson(saved_objects(names)))
        titles = {each.id: each.attributes.title for each in objects if isinstance(each, DataView)}
        (found,) = [
            (panel, layer)
            for each in objects
            if isinstance(each, Dashboard) and each.id == dashboard
            for panel, layer in panels(each)
            if panel.title == title
        ]
        self.panel: Panel = found[0]
        self.layer: Layer = found[1]
        (reference,) = self.panel.embeddableConfig.attributes.references
        self.index = titles[reference.id]
        self.fields = es.field_caps(index=self.index, fields="*")["fields"]
        self.rows = rows(
            self.layer, es.search(index=self.index, **search_body(self.panel, self.layer)).body
        )

    def queries(self) -> list[str]:
        columns = self.layer.columns.values()
        filters = [column.filter.query for column in columns if column.filter]
        return [self.panel.embeddableConfig.attributes.state.query.query, *filters]


@pytest.fixture
def shown(es: Elasticsearch, operated: Names, request: pytest.FixtureRequest) -> Shown:
    return Shown(es, operated, *request.param)


def _id(panel: tuple[str, str]) -> str:
    return f"{panel[0]}: {panel[1]}"


@pytest.mark.parametrize("shown", PANELS, indirect=True, ids=_id)
def test_a_panel_names_fields_that_its_index_has_and_shows_their_values(shown: Shown) -> None:
    for column in shown.layer.columns.values():
        if column.sourceField not in (None, "___records___"):
            ((kind, caps),) = shown.fields[column.sourceField].items()
            assert kind in _FITTING[column.dataType]
            assert caps["aggregatable"]
    for query in shown.queries():
        for exists, field in _IN_QUERY.findall(query):
            ((_, caps),) = shown.fields[exists or field].items()
            assert caps["searchable"]
    assert shown.rows, "no buckets"
    for label in shown.rows[0]:
        assert any(row[label] is not None for row in shown.rows), label


def _rows(es: Elasticsearch, names: Names, dashboard: str, title: str) -> list[dict[str, Any]]:
    return Shown(es, names, f"es-hybrid-{dashboard}", title).rows


def test_the_catalogue(es: Elasticsearch, operated: Names) -> None:
    assert _rows(es, operated, "catalogue", "Products") == [{"products": 80}]
    assert _rows(es, operated, "catalogue", "Vector coverage") == [{"of all products": 1.0}]
    languages = _rows(es, operated, "catalogue", "Languages")
    assert {row["language"]: row["products"] for row in languages} == dict.fromkeys(
        ("de", "en", "es", "fr", "zh"), 16
    )
