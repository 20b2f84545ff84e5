"""What Kibana is to import, against Kibana's format."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from es_hybrid.index.passport import Passport
from es_hybrid.index.shop_fields import ShopFields
from es_hybrid.kibana import Names, as_ndjson, saved_objects
from es_hybrid.settings import Settings, load_settings
from tests.kibana.saved_objects import Dashboard, DataView, DiscoverSession, panels, read_ndjson

SHOP = ShopFields(
    fields=(("brand", "maker"), ("category", "path"), ("price", "cost"), ("title", "name")),
    keywords=(("brand", "maker.raw"),),
)


def names(settings: Settings | None = None, shop: ShopFields | None = None) -> Names:
    passport = Passport(
        vector_field="qwen", model="m", revision="", dims=8, similarity="cosine",
        query_instruction="", text_template=("title",), text_max_chars=10, hash_field="qwen_hash",
        shop=shop,
    )  # fmt: skip
    return Names.of(
        settings or load_settings(), pairs="test-pairs", passport=passport if shop else None
    )


OBJECTS = read_ndjson(as_ndjson(saved_objects(names())))
DASHBOARDS = [each for each in OBJECTS if isinstance(each, Dashboard)]
VIEWS = {each.id: each for each in OBJECTS if isinstance(each, DataView)}


def test_every_object_has_kibanas_format_and_a_place_of_its_own() -> None:
    assert Counter(each.type for each in OBJECTS) == {
        "index-pattern": 3, "search": 3, "dashboard": 4,
    }  # fmt: skip
    assert len({(each.type, each.id) for each in OBJECTS}) == len(OBJECTS)


def test_every_object_comes_after_those_it_refers_to() -> None:
    known: set[tuple[str, str]] = set()
    for each in OBJECTS:
        assert {(one.type, one.id) for one in each.references} <= known
        known.add((each.type, each.id))


def test_the_same_settings_give_the_same_bytes() -> None:
    # So an installation replaces the one before, and a diff of two exports shows what changed.
    assert as_ndjson(saved_objects(names())) == as_ndjson(saved_objects(names()))


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: str(each.id))
class TestDashboard:
    def test_panels_fill_the_grid_without_overlap(self, dashboard: Dashboard) -> None:
        grids = [panel.gridData for panel, _ in panels(dashboard)]
        cells = Counter(
            (x, y)
            for grid in grids
            for x in range(grid.x, grid.x + grid.w)
            for y in range(grid.y, grid.y + grid.h)
        )
        assert set(cells.values()) == {1}
        assert {x for x, _ in cells} == set(range(48))
        assert len({panel.panelIndex for panel, _ in panels(dashboard)}) == len(grids)

    def test_each_reference_belongs_to_a_panel_or_a_control(self, dashboard: Dashboard) -> None:
        expected = [
            (f"{panel.panelIndex}:{one.name}", one.id)
            for panel, _ in panels(dashboard)
            for one in panel.embeddableConfig.attributes.references
        ]
        expected += [
            (f"controlGroup_{name}:optionsListDataView", "es-hybrid-events")
            for name in dashboard.attributes.controlGroupInput.panelsJSON
        ]
        assert [(one.name, one.id) for one in dashboard.references] == expected

    def test_each_chart_shows_the_columns_it_has(self, dashboard: Dashboard) -> None:
        for panel, layer in panels(dashboard):
            assert layer.columnOrder == list(layer.columns)
            buckets = [name for name, column in layer.columns.items() if column.isBucketed]
            assert layer.columnOrder[: len(buckets)] == buckets
            parts = {name for column in layer.columns.values() for name in column.references}
            state = json.dumps(panel.embeddableConfig.attributes.state.visualization)
            for name, column in layer.columns.items():
                assert (name in parts) != (f'"{name}"' in state), (panel.title, name)
                if column.operationType == "terms":
                    order = layer.columns[column.params["orderBy"]["columnId"]]
                    assert order.operationType != "formula", "Elasticsearch cannot order by it"


def test_names_come_from_the_settings() -> None:
    settings = load_settings(flags={"index": {"name": "shop-live", "vector_field": "v"}})
    objects = read_ndjson(as_ndjson(saved_objects(names(settings))))
    views = {each.id: each.attributes for each in objects if isinstance(each, DataView)}
    assert views["es-hybrid-products"].title == "shop-live"
    assert views["es-hybrid-pairs"].title == "test-pairs"
    hidden = [one.value for one in views["es-hybrid-products"].sourceFilters]
    assert hidden == ["v", "text_hash"]
    assert "_exists_:v" in as_ndjson(saved_objects(names(settings))).decode()
    assert b"$" not in as_ndjson(saved_objects(names(settings)))


def test_a_shops_own_fields_come_from_the_passport() -> None:
    objects = read_ndjson(as_ndjson(saved_objects(names(shop=SHOP))))
    (products,) = [each for each in objects if each.id == "es-hybrid-products" and
                   isinstance(each, DataView)]  # fmt: skip
    assert [one.value for one in products.attributes.sourceFilters] == ["qwen", "qwen_hash"]
    assert products.attributes.fieldFormatMap["cost"].params == {"pattern": "0,0.00"}
    (session,) = [each for each in objects if each.id == "es-hybrid-products" and
                  isinstance(each, DiscoverSession)]  # fmt: skip
    assert session.attributes.columns == ["name", "maker.raw", "cost"]
    (catalogue,) = [each for each in objects if each.id == "es-hybrid-catalogue" and
                    isinstance(each, Dashboard)]  # fmt: skip
    titles = [panel.title for panel, _ in panels(catalogue)]
    # A text without a keyword cannot be counted, and this shop has no languages.
    assert "Brands" in titles
    assert not {"Categories", "Languages"} & set(titles)


def test_discover_shows_products_without_vectors() -> None:
    view = VIEWS["es-hybrid-products"].attributes
    assert [one.value for one in view.sourceFilters] == ["embedding", "text_hash"]
    assert view.fieldFormatMap["price"].params == {"pattern": "0,0.00"}
    assert view.fieldFormatMap["url"].id == "url"
    (session,) = [each for each in OBJECTS if each.id == "es-hybrid-products" and
                  isinstance(each, DiscoverSession)]  # fmt: skip
    assert session.attributes.columns == [
        "title", "brand", "category", "price", "currency", "lang", "sku"
    ]  # fmt: skip
