from __future__ import annotations

from pathlib import Path

import pytest

from tests.ingest.sources.exports.reading import products, read, skipped

HEADER = (
    'ID,Type,SKU,"GTIN, UPC, EAN, or ISBN",Name,Published,"Visibility in catalog",'
    '"Short description",Description,"Sale price","Regular price",Categories,Tags,Parent,'
    '"Attribute 1 name","Attribute 1 value(s)","Attribute 2 name","Attribute 2 value(s)"\n'
)
PARENT = (
    '10,variable,HOOD,,Hoodie,1,visible,Short,"Warm\\nand soft",,,'
    '"Sale, Clothing > Hoodies, Men\\, Women","soft, warm",,Colour,"Red, Blue",Brand,Nordwind\n'
)
RED = "11,variation,HOOD-R,4006381333931,Hoodie - Red,1,visible,,,39.90,45.00,,,{},Colour,Red,,\n"
BLUE = "12,variation,,,Hoodie - Blue,1,visible,,,,45.00,,,{},Colour,Blue,,\n"
MUG = '20,"simple, virtual",MUG,,Mug,1,visible,Short,,,9.00,Kitchen > Mugs,,,,,,\n'


@pytest.mark.parametrize("parent", ["HOOD", "id:10"])
@pytest.mark.parametrize(
    "order", [(PARENT, RED, BLUE, MUG), (RED, BLUE, MUG, PARENT), (RED, PARENT, MUG, BLUE)]
)
def test_variations_inherit_from_their_parent_wherever_it_is(
    tmp_path: Path, parent: str, order: tuple[str, ...]
) -> None:
    rows = read(tmp_path, HEADER + "".join(order).format(parent, parent))
    line = str(order.index(PARENT) + 2)
    assert skipped(rows) == [(line, "variable product: its variations are products")]
    found = {product.id: product for product in products(rows)}
    assert set(found) == {"11", "12", "20"}
    red, blue = found["11"], found["12"]
    assert (red.title, red.sku, red.gtin) == ("Hoodie - Red", "HOOD-R", ("4006381333931",))
    assert (red.description, red.brand) == ("Warm and soft", "Nordwind")
    assert red.category == ("Clothing", "Hoodies")
    assert (red.price, red.attributes["sale price"]) == (45, "39.90")
    assert red.attributes["Colour"] == "Red"
    assert red.attributes["parent sku"] == "HOOD"
    assert red.attributes["tags"] == ("soft", "warm")
    assert red.other_categories == (("Sale",), ("Men, Women",))
    assert (blue.sku, blue.gtin, "sale price" in blue.attributes) == ("HOOD", (), False)
    assert found["20"].description == "Short"


def test_a_parent_or_a_variation_alone_is_a_product(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + PARENT + RED.format("id:99"))
    assert sorted(product.id for product in products(rows)) == ["10", "11"]
    assert products(rows)[0].attributes["Colour"] == ("Red", "Blue")


def test_the_sale_price_may_be_the_price(tmp_path: Path) -> None:
    rows = read(tmp_path, HEADER + RED.format(""), sale_price="price")
    (red,) = products(rows)
    assert (red.price, red.attributes["regular price"]) == (39.9, "45.00")


def test_products_that_shoppers_cannot_see_are_skipped(tmp_path: Path) -> None:
    content = HEADER + "".join(
        [
            MUG.replace("Mug,1", "Mug,-1"),
            MUG.replace("Mug,1", "Mug,0"),
            MUG.replace("visible", "hidden"),
            PARENT.replace("Hoodie,1", "Hoodie,-1"),
            RED.format("HOOD"),
        ]
    )
    assert skipped(read(tmp_path, content)) == [
        ("2", "draft"),
        ("3", "private"),
        ("4", "hidden"),
        ("5", "variable product: its variations are products"),
        ("6", "draft"),
    ]
    assert len(products(read(tmp_path, content, unpublished="load"))) == 4


def test_a_gtin_of_a_plugin_and_the_export_s_own_columns(tmp_path: Path) -> None:
    header = "ID,Type,SKU,Name,Regular price,Meta: _alg_ean,Stock\n"
    (row,) = read(tmp_path, header + "1,simple,M,Mug,9,4006381333931,7\n")
    assert products([row])[0].gtin == ("4006381333931",)
    assert products([row], fields={"id": "SKU"})[0].id == "M"
