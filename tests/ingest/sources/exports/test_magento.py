from __future__ import annotations

from itertools import permutations
from pathlib import Path

import pytest

from tests.ingest.sources.exports.reading import products, read, skipped

HEADER = (
    "sku,store_view_code,product_type,categories,name,description,price,special_price,visibility,"
    "product_online,additional_attributes,configurable_variations\n"
)
BAG = (
    'BAG,,simple,"Default Category/Gear,Default Category/Gear/Bags",Canvas bag,Roomy bag,54.00,'
    '49.00,"Catalog, Search",1,"manufacturer=Feld,care=""cold, by hand"",use=Gym|Yoga,'
    'text=no, never",\n'
)
BAG_DE = "BAG,ch_de,,,Segeltuchtasche,,,,,,,\n"
BAG_FR = "BAG,fr,,,,,,,,,tax=1,\n"
TEE_S = 'TEE-S,,simple,,Tee-S,,19.00,,Not Visible Individually,1,"size=Small",\n'
TEE_M = "TEE-M,,simple,,Tee-M,,20.00,,Not Visible Individually,1,,\n"
TEE = (
    'TEE,,configurable,Default Category/Men/Tees,Tee,Soft,,,"Catalog, Search",1,'
    '"manufacturer=Feld","sku=TEE-S,size=S|sku=TEE-M,size=M"\n'
)


@pytest.mark.parametrize("order", [(BAG, BAG_DE, BAG_FR), (BAG_DE, BAG_FR, BAG)])
def test_a_store_view_is_a_product_of_its_own(tmp_path: Path, order: tuple[str, ...]) -> None:
    rows = read(tmp_path, HEADER + "".join(order))
    found = {product.id: product for product in products(rows)}
    assert set(found) == {"BAG", "BAG/ch_de"}
    bag, german = found["BAG"], found["BAG/ch_de"]
    assert (bag.title, bag.price, bag.brand) == ("Canvas bag", 54, "Feld")
    assert (bag.category, bag.other_categories) == (("Gear", "Bags"), (("Gear",),))
    assert dict(bag.attributes) == {
        "manufacturer": "Feld",
        "care": "cold, by hand",
        "use": ("Gym", "Yoga"),
        "text": "no, never",
        "sale price": "49.00",
    }
    assert (german.title, german.lang, german.description) == (
        "Segeltuchtasche", "de", "Roomy bag",
    )  # fmt: skip
    assert (german.sku, german.price, german.category) == ("BAG", 54, bag.category)
    line = str(order.index(BAG_FR) + 2)
    assert skipped(rows) == [(line, "store view without a text of its own")]


@pytest.mark.parametrize("order", list(permutations((TEE_S, TEE_M, TEE))))
def test_variants_inherit_from_the_configurable_product(
    tmp_path: Path, order: tuple[str, ...]
) -> None:
    rows = read(tmp_path, HEADER + "".join(order))
    line = str(order.index(TEE) + 2)
    assert skipped(rows) == [(line, "configurable product: its variants are products")]
    found = {product.id: product for product in products(rows)}
    small, medium = found["TEE-S"], found["TEE-M"]
    assert len(found) == 2
    assert (small.title, small.description, small.price) == ("Tee-S", "Soft", 19)
    assert (small.brand, small.category) == ("Feld", ("Men", "Tees"))
    assert (small.attributes["size"], medium.attributes["size"]) == ("Small", "M")
    assert medium.attributes["parent sku"] == "TEE"


def test_products_that_shoppers_cannot_find_are_skipped(tmp_path: Path) -> None:
    off = TEE.replace('Search",1', 'Search",2').replace("TEE", "OFF").replace("OFF-M", "TEE-M")
    content = HEADER + TEE_S + off + TEE_M + BAG.replace('Search",1', 'Search",2') + BAG_DE
    assert sorted(skipped(read(tmp_path, content))) == [
        ("2", "not visible individually"),
        ("3", "configurable product: its variants are products"),
        ("4", "disabled"),
        ("5", "disabled"),
        ("6", "disabled"),
    ]
    assert len(products(read(tmp_path, content, unpublished="load"))) == 4


def test_what_has_no_counterpart_is_a_product(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + TEE + BAG_DE + ",,,,,,,,,,,\n,,simple,,,x,,,,,,\n")
    assert sorted(product.id for product in products(rows)) == ["BAG/ch_de", "TEE"]
    assert skipped(rows)[0][1] == "continues the row above"


def test_without_store_views(tmp_path: Path) -> None:
    content = "sku,product_type,categories,name,price\nB-1,simple,Gear/Bags,Bag,54.00\n"
    (bag,) = products(read(tmp_path, content))
    assert (bag.id, bag.category, bag.price) == ("B-1", ("Gear", "Bags"), 54)
