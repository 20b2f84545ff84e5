from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.ingest.sources.exports.reading import products, read, skipped

SHIRT: dict[str, Any] = {
    "id": 7, "title": "Shirt", "handle": "shirt", "body_html": "<p>Light</p>", "vendor": "Feld",
    "product_type": "Shirts", "tags": ["men", "summer"], "published_at": "2026-01-01T00:00:00Z",
    "options": [{"name": "Size"}, {"name": "Colour"}],
    "variants": [
        {"id": 1, "option1": "S", "option2": "M/Blue", "sku": "S-1", "price": "9.90",
         "compare_at_price": "12.00", "barcode": "4006381333931"},
        {"id": 2, "option1": "M", "option2": None, "sku": "S-2", "price": "10.90"},
    ],
}  # fmt: skip


def lines(*objects: dict[str, Any]) -> str:
    return "".join(json.dumps(each) + "\n" for each in objects)


def test_each_variant_is_a_product_with_the_id_of_the_csv_export(tmp_path: Path) -> None:
    rows = read(tmp_path, lines(SHIRT), "p.jsonl")
    assert [row.place.rpartition("/")[2] for row in rows] == [
        "p.jsonl:1 variant 1", "p.jsonl:1 variant 2",
    ]  # fmt: skip
    small, medium = products(rows)
    assert (small.id, small.sku, small.price, small.gtin) == (
        r"shirt/S/M\/Blue", "S-1", 9.9, ("4006381333931",),
    )  # fmt: skip
    assert (small.title, small.description, small.brand) == ("Shirt", "Light", "Feld")
    assert small.category == ("Shirts",)
    assert small.attributes["compare-at price"] == "12.00"
    assert (medium.id, medium.price, medium.attributes["Size"]) == ("shirt/M", 10.9, "M")
    assert rows[0].values["variant"]["sku"] == "S-1"
    assert "variants" not in rows[0].values


def test_variants_without_options_differ_by_their_own_id(tmp_path: Path) -> None:
    both = {"id": 7, "title": "Shoe", "vendor": "Feld", "variants": [{"id": 1, "sku": "A"},
            {"id": 2, "sku": "B"}, {"sku": "C"}, {"price": 9}]}  # fmt: skip
    one = {"id": 8, "title": "Jacket", "variants": [{"id": 3, "sku": "C", "price": 9}]}
    none = {"id": 9, "title": "Cap", "variants": []}
    rows = read(tmp_path, lines(both, one, none), "p.jsonl")
    assert [(product.id, product.sku) for product in products(rows)] == [
        ("7/1", "A"), ("7/2", "B"), ("7/C", "C"), ("7/4", ""), ("8", "C"), ("9", ""),
    ]  # fmt: skip


def test_drafts_are_skipped(tmp_path: Path) -> None:
    content = lines(SHIRT, SHIRT | {"status": "draft"}, SHIRT | {"published_at": None})
    rows = read(tmp_path, content, "p.jsonl")
    assert skipped(rows) == [("2", "draft"), ("3", "not published")]
    assert len(products(read(tmp_path, content, "p.jsonl", unpublished="load"))) == 6


def test_other_objects_stay_as_they_are(tmp_path: Path) -> None:
    content = "{\n" + lines({"id": 1, "title": "Mug", "variants": ["red", "blue"]})
    rows = read(tmp_path, content, "p.jsonl")
    assert rows[0].problem is not None
    assert rows[1].values == {"id": 1, "title": "Mug", "variants": ["red", "blue"]}
    priced = {"id": 1, "title": "Mug", "vendor": "Feld", "price": 9, "variants": [{"sku": "M"}]}
    assert read(tmp_path, lines(priced), "p.jsonl")[0].values == priced
