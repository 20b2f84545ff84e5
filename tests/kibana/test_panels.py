"""Every panel's search on a real node, over what a shop wrote that was really used."""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.kibana import Names, as_ndjson, saved_objects
from tests.kibana.aggregations import answer, rows, search_body, what_it_shows
from tests.kibana.conftest import INDEX, ROWS
from tests.kibana.saved_objects import Dashboard, DataView, Layer, Panel, panels, read_ndjson
from tests.kibana.test_objects import DASHBOARDS

PAGE = Path(__file__).parents[2] / "docs/kibana.md"
REFRESH = os.environ.get("REFRESH_GOLDEN") == "1"
# Answers that differ from run to run or from machine to machine.
_VARIES = re.compile(r"per second|in ms|seconds|score|places|only lexical")

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


def test_the_page_lists_every_panel_with_its_answer(es: Elasticsearch, operated: Names) -> None:
    """`REFRESH_GOLDEN=1` writes the answers; times, rates and the last digits of scores differ."""
    lines = []
    for dashboard in DASHBOARDS:
        lines += [
            "",
            f"### {dashboard.attributes.title}",
            "",
            "| panel | shows | answer |",
            "| --- | --- | --- |",
        ]
        for panel, _ in panels(dashboard):
            shown = Shown(es, operated, dashboard.id, panel.title)
            shows, found = what_it_shows(shown.layer), answer(shown.layer, shown.rows)
            lines.append(f"| {panel.title} | {shows} | {found} |")
    before, heading, written = PAGE.read_text("utf-8").partition("## The panels\n")
    if REFRESH:
        intro = written.partition("\n###")[0].rstrip()
        PAGE.write_text("\n".join([before + heading + intro, *lines]) + "\n", "utf-8")
        return
    listed = [line for line in written.splitlines() if line.startswith(("|", "###"))]
    expected = [line for line in lines if line]
    assert [_without_answer(line) for line in listed] == [
        _without_answer(each) for each in expected
    ]
    fixed = [line for line in expected if not _VARIES.search(line)]
    assert len(fixed) > 20
    assert set(fixed) <= set(listed), "run this test with REFRESH_GOLDEN=1"


def _without_answer(line: str) -> str:
    return "|".join(line.split("|")[:3])


def test_the_catalogue_is_counted_rightly(es: Elasticsearch, operated: Names) -> None:
    def of(title: str) -> list[dict[str, Any]]:
        return Shown(es, operated, "es-hybrid-catalogue", title).rows

    assert of("Products") == [{"products": len(ROWS)}]
    assert of("Vector coverage") == [{"of all products": 1.0}]
    languages = {row["language"]: row["products"] for row in of("Languages")}
    assert languages == Counter(row["lang"] for row in ROWS)
    (passport,) = of("Passport")
    assert (passport["index"], passport["dims"]) == (INDEX, 512)


def test_searches_are_counted_rightly(es: Elasticsearch, operated: Names) -> None:
    def of(title: str) -> dict[str, Any]:
        (row,) = Shown(es, operated, "es-hybrid-search", title).rows
        return row

    assert of("Searches") == {"recorded": 7}
    for title in ("Zero results", "Corrected", "Degraded"):
        assert of(title) == {"of all searches": pytest.approx(1 / 7)}, title
    assert of("Rules fired") == {"rule": "hiking", "searches": 2}
    assert of("Degraded by part")["part"] == "rerank"


def test_loads_are_counted_rightly(es: Elasticsearch, operated: Names) -> None:
    def of(title: str) -> list[dict[str, Any]]:
        return Shown(es, operated, "es-hybrid-loads", title).rows

    assert of("Loads") == [{"ended": 3}]
    assert of("Why loads failed") == [{"error": "TooManyRejected", "loads": 1}]
    outcomes = {row["outcome"]: row["loads"] for row in of("Loads by outcome")}
    assert outcomes == {"success": 2, "failure": 1}
    assert of("Outages over time")[0]["outages that are over"] == 1
    assert 0 < of("Outages")[0]["seconds"] < 60
