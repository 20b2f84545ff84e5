"""Product fields in a shop's own mapping."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.index.shop_fields import ShopFields, shop_fields, value_at

PROPERTIES: dict[str, Any] = {
    "name": {"properties": {"de": {"type": "text", "analyzer": "german"}, "en": {"type": "text"}}},
    "marke": {"type": "keyword", "fields": {"suche": {"type": "text"}}},
    "text": {
        "type": "text",
        "analyzer": "german",
        "search_analyzer": "standard",
        "fields": {"exakt": {"type": "keyword"}, "still": {"type": "text", "index": False}},
    },
    "nr": {"type": "keyword"},
    "ean": {"type": "long"},
    "angebote": {"type": "nested", "properties": {"name": {"type": "text"}}},
}
MAPPING = {"title": "name.de", "brand": "marke", "description": "text", "sku": "nr", "gtin": "ean"}


@pytest.fixture
def shop() -> ShopFields:
    return shop_fields(PROPERTIES, MAPPING)


def test_missing_fields_are_left_out() -> None:
    assert dict(shop_fields(PROPERTIES, {**MAPPING, "price": "preis"}).fields) == MAPPING
    assert dict(shop_fields({"title": {"type": "text"}}, {}).fields) == {"title": "title"}
    assert shop_fields(PROPERTIES, {"title": "angebote.name"}).fields == ()


def test_fields_are_grouped_by_analyzer(shop: ShopFields) -> None:
    groups = shop.word_groups(["title^2", "brand.text", "category.text", "description", "sku.text"])
    assert groups == [["name.de^2"], ["marke.suche"], ["text"]]
    assert {word.analyzer for word in shop.words} == {"german", "default", "standard"}


def test_one_analyzer_is_one_group(shop: ShopFields) -> None:
    both = shop_fields(PROPERTIES, {"title": "name.en", "brand": "marke"})
    assert both.word_groups(["title^2", "brand.text"]) == [["name.en^2", "marke.suche"]]


def test_fields_that_keep_every_word(shop: ShopFields) -> None:
    assert shop.as_written(["title^2", "brand.text", "description^3"]) == ["marke.suche", "text^3"]
    assert shop.as_written(["title"]) == ["name.de"]  # there is no other


def test_another_name_is_a_field_of_the_index(shop: ShopFields) -> None:
    assert shop.word_groups(["name.en^3"]) == [["name.en^3"]]
    assert shop.identifiers(["sku", "gtin", "alt_nr"]) == ["nr", "alt_nr"]


def test_the_product_in_a_document(shop: ShopFields) -> None:
    product = shop.product(
        "7",
        {
            "name": {"de": "Wasserkocher  <b>1,7 l</b>", "en": "Kettle"},
            "marke": ["Acme", "Acme Pro"],
            "text": None,
            "nr": "K-1",
            "ean": 12345678,
        },
    )
    assert (product.id, product.title, product.sku) == ("7", "Wasserkocher 1,7 l", "K-1")
    assert (product.brand, product.description, product.gtin) == (
        "Acme Acme Pro",
        "",
        ("12345678",),
    )


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a", 1),
        ("b.c", 2),
        ("b", {"c": 2}),
        ("d.e", [3, 4]),
        ("f.g", 5),
        ("a.x", None),
        ("nothing", None),
        ("d.nothing", None),
        ("", None),
    ],
)
def test_a_value_is_found_by_its_path(path: str, value: Any) -> None:
    source = {"a": 1, "b": {"c": 2}, "d": [{"e": 3}, {"e": 4}, "x"], "f.g": 5}
    assert value_at(source, path) == value


def test_it_survives_the_mapping(shop: ShopFields) -> None:
    assert ShopFields.from_meta(shop.to_meta()) == shop
