from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.ingest.sources.exports.reading import products, read

HEADER = (
    "id\ttitle\tdescription\tlink\timage link\tavailability\tprice\tsale price\t"
    "google product category\tproduct type\tbrand\tgtin\tmpn\titem group id\tproduct detail\n"
)
SHIRT = (
    "1\tShirt\tLight\thttps://s/1\thttps://s/1.png\tin_stock\t12.99 EUR\t9.99 EUR\t2271\t"
    "Home > Shirts, Sale\tFeld\t4006381333931\tF-1\tG1\tGeneral:Fabric:Wool,Care:Wash:30:40\n"
)


def test_a_table(tmp_path: Path) -> None:
    (shirt,) = products(read(tmp_path, HEADER + SHIRT, "feed.tsv"))
    assert (shirt.id, shirt.title, shirt.brand, shirt.sku) == ("1", "Shirt", "Feld", "F-1")
    assert (shirt.price, shirt.currency, shirt.gtin) == (12.99, "EUR", ("4006381333931",))
    assert (shirt.category, shirt.other_categories) == (("Home", "Shirts"), (("Sale",),))
    assert dict(shirt.attributes) == {
        "Fabric": "Wool",
        "Wash": "30:40",
        "item_group_id": "G1",
        "availability": "in_stock",
        "sale price": "9.99 EUR",
    }


def test_the_sale_price_may_be_the_price(tmp_path: Path) -> None:
    (shirt,) = products(read(tmp_path, HEADER + SHIRT, "feed.tsv", sale_price="price"))
    assert (shirt.price, shirt.attributes["regular price"]) == (9.99, "12.99 EUR")


def test_objects_as_the_xml_reader_gives_them(tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        "id": "1", "title": "Shirt", "link": "https://s/1", "image_link": "https://s/1.png",
        "availability": "in_stock", "price": "12.99 EUR",
        "google_product_category": "Apparel > Shirts",
        "product_detail": [
            {"section_name": "General", "attribute_name": "Fabric", "attribute_value": "Wool"},
            {"attribute_name": "Sleeve", "attribute_value": "Long"},
        ],
    }  # fmt: skip
    several = entry | {"product_type": ["Home > Shirts", "Sale"], "product_detail": None}
    content = "".join(json.dumps(each) + "\n" for each in (entry, several))
    first, second = products(read(tmp_path, content, "feed.jsonl"))
    assert first.category == ("Apparel", "Shirts")
    assert (first.attributes["Fabric"], first.attributes["Sleeve"]) == ("Wool", "Long")
    assert second.category == ("Home", "Shirts")
