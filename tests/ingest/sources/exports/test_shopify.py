from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.records import Product
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import check_source
from tests.ingest.sources.exports.reading import products, read, skipped

HEADER = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,"
    "Option1 Value,Option2 Name,Option2 Value,Variant SKU,Variant Grams,Variant Price,"
    "Variant Compare At Price,Variant Barcode,Image Src,Image Position,"
    "Fabric (product.metafields.shopify.fabric),Status\n"
)
EXPORT = HEADER + (
    'vest,Classic Vest,"<p>Light,<br>wind-resistant</p>",Nordwind,Apparel > Vests,Vest,'
    '"men, summer",TRUE,Size,S,Colour,Blue,V-S,200,63.50,70,\'0882780756328,a.png,1,Wool,active\n'
    "vest,,,,,,,,,M,,Blue,V-M,210,63.50,,,,,,\n"
    "vest,,,,,,,,,,,,,,,,,b.png,2,,\n"
    "mug,Mug,,Nordwind,,Kitchen,,TRUE,Title,Default Title,,,,300,9.00,,,,,,draft\n"
)


def test_each_variant_is_a_product_that_inherits(tmp_path: Path) -> None:
    rows = read(tmp_path, EXPORT)
    assert [row.place.rpartition(":")[2] for row in rows] == ["2", "3", "4", "5"]
    assert skipped(rows) == [("4", "another image"), ("5", "draft")]
    small, medium = products(rows)
    assert small == Product(
        id="vest/S/Blue",
        title="Classic Vest",
        sku="V-S",
        gtin=("0882780756328",),
        description="Light, wind-resistant",
        brand="Nordwind",
        category=("Apparel", "Vests"),
        price=63.5,
        currency="EUR",
        lang="en",
        attributes=small.attributes,
    )
    assert dict(small.attributes) == {
        "Fabric": "Wool",
        "tags": ("men", "summer"),
        "compare-at price": "70",
        "Size": "S",
        "Colour": "Blue",
    }
    assert (medium.id, medium.sku, medium.gtin) == ("vest/M/Blue", "V-M", ())
    assert (medium.title, medium.description) == (small.title, small.description)
    assert medium.attributes["Size"] == "M"


def test_drafts_are_loaded_if_the_shop_wants_them(tmp_path: Path) -> None:
    rows = read(tmp_path, EXPORT, unpublished="load")
    mug = products(rows)[-1]
    assert (mug.id, mug.category, mug.attributes) == ("mug", ("Kitchen",), {"status": "draft"})


@pytest.mark.parametrize(
    ("published", "status", "reason"),
    [
        ("TRUE", "archived", "archived"),
        ("false", "active", "not published"),
        ("", "Draft", "draft"),
    ],
)
def test_every_variant_of_a_product_that_is_not_for_sale_is_skipped(
    tmp_path: Path, published: str, status: str, reason: str
) -> None:
    header = "Handle,Title,Published,Option1 Name,Option1 Value,Variant Price,Status\n"
    rows = read(tmp_path, f"{header}vest,Vest,{published},Size,S,1,{status}\nvest,,,,M,1,\n")
    assert skipped(rows) == [("2", reason), ("3", reason)]


FILLED = (
    "Handle,Title,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,Image Src\n"
)


def test_product_columns_that_a_spreadsheet_filled_down(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        FILLED + "shirt,Shirt,Size,S,Colour,Blue,LS-1,\n"
        "shirt,Shirt,,M,,Blue,LS-2,\n"
        "shirt,Shirt,Size,M,Colour,White,LS-3,\n"
        "shirt,Shirt,,,,,,b.png\n"
        "shirt,Shirt,Size,M,Colour,White,LS-3,c.png\n",
    )
    assert [product.id for product in products(rows)] == [
        "shirt/S/Blue", "shirt/M/Blue", "shirt/M/White",
    ]  # fmt: skip
    assert products(rows)[1].attributes == {"Size": "M", "Colour": "Blue"}
    assert skipped(rows) == [("5", "another image"), ("6", "another image")]


def test_options_that_hold_the_separator_or_have_gaps_do_not_collide(tmp_path: Path) -> None:
    pairs = [("S", "M/Blue"), ("S/M", "Blue"), ("S\\", "M"), ("S\\/M", ""), ("S", ""), ("", "S"),
             ("S/M", ""), ("S", "M"), ("100% Wool", "")]  # fmt: skip
    lines = "".join(f"vest,,,{one},,{two},V-{n},\n" for n, (one, two) in enumerate(pairs))
    rows = read(tmp_path, FILLED + "vest,Vest,Size,X,Colour,X,V,\n" + lines)
    ids = [product.id for product in products(rows)]
    assert len(set(ids)) == len(pairs) + 1
    assert ids[-2:] == ["vest/S/M", "vest/100% Wool"]  # as earlier releases wrote them


def test_options_without_names_and_two_of_one_name(tmp_path: Path) -> None:
    rows = read(tmp_path, FILLED + "a,A,,S,,Blue,1,\na,,,M,,Blue,2,\nb,B,Size,S,Size,M,3,\n")
    assert [product.id for product in products(rows)] == ["a/S/Blue", "a/M/Blue", "b/S/M"]
    assert products(rows)[0].attributes == {"option 1": "S", "option 2": "Blue"}


def test_the_rows_of_a_handle_may_be_apart(tmp_path: Path) -> None:
    rows = read(
        tmp_path,
        FILLED + "late,,,M,,,L-M,\nvest,Vest,Size,S,,,V-S,\nmug,Mug,,,,,M,\nvest,,,M,,,V-M,\n"
        "late,Late,Size,S,,,L-S,\n",
    )
    found = {product.id: product for product in products(rows)}
    assert set(found) == {"vest/S", "mug", "vest/M", "late/S", "late/M"}
    assert found["late/M"].title == "Late"
    assert found["vest/M"].attributes == {"Size": "M"}


def test_the_export_s_own_columns_can_be_mapped(tmp_path: Path) -> None:
    rows = read(tmp_path, EXPORT)
    cleaner = Cleaner(
        Settings(ingest=IngestSettings(fields={"id": "Variant SKU", "brand": "Type"}))
    )
    assert [cleaner.clean(row).product.id for row in rows[:2]] == ["V-S", "V-M"]
    assert cleaner.clean(rows[1]).product.brand == "Vest"
    path = str(tmp_path / "products_export_1.csv")
    check_source(path, "csv", required=cleaner.required_columns)
    check_source(path, "shopify", required=("id", "title", "Handle"))


def test_the_newer_names_of_the_columns(tmp_path: Path) -> None:
    content = (
        "Title,URL handle,Description,Vendor,Product category,Type,Tags,Status,SKU,Barcode,"
        "Option1 name,Option1 value,Price,Product image URL\n"
        "Vest,vest,<p>Light</p>,Nordwind,Apparel > Vests,,,Active,V-S,,Size,S,63.5,a.png\n"
        ",vest,,,,,,,V-M,,,M,64,\n"
        ",vest,,,,,,,,,,,,b.png\n"
    )
    small, medium = products(read(tmp_path, content))
    assert (small.id, small.sku, small.price) == ("vest/S", "V-S", 63.5)
    assert (medium.id, medium.sku, medium.price) == ("vest/M", "V-M", 64)
    assert medium.description == "Light"
    assert medium.attributes == {"Size": "M"}


def test_a_variant_without_its_product_is_a_dead_letter(tmp_path: Path) -> None:
    rows = read(tmp_path, EXPORT + "hat,,,,,,,,,L,,,H-L,1,5,,,,,,\n,,,,,,,,,L,,,H-L,1,5,,,,,,\n")
    assert str(rows[-2].problem).endswith(
        "products_export_1.csv:6: the product 'hat' has no row with a title; export the products "
        "again, with all their rows"
    )
    assert "H-L" in rows[-2].raw
    assert "products_export_1.csv:7: the row has no handle;" in str(rows[-1].problem)


def test_the_shopify_format_for_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title\n1,t\n")
    with pytest.raises(SourceError, match="these are not the columns of Shopify's product export"):
        check_source(str(path), "shopify")
