from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.records import Product
from es_hybrid.settings import IngestSettings, Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import Row, check_source, open_rows

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


def read(tmp_path: Path, content: str, name: str = "products_export_1.csv") -> list[Row]:
    path = tmp_path / name
    path.write_text(content)
    return [row for row in open_rows(str(path), "csv") if not row.skipped]


def products(rows: list[Row]) -> list[Product]:
    cleaner = Cleaner(Settings(ingest=IngestSettings(default_lang="en", default_currency="EUR")))
    return [cleaner.clean(row).product for row in rows]


def test_each_variant_is_a_product_that_inherits(tmp_path: Path) -> None:
    rows = read(tmp_path, EXPORT)
    assert [row.place.rpartition(":")[2] for row in rows] == ["2", "3", "5"]
    small, medium, mug = products(rows)
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
        attributes={"Fabric": "Wool", "tags": "men, summer", "Size": "S", "Colour": "Blue"},
    )
    assert (medium.id, medium.sku, medium.gtin) == ("vest/M/Blue", "V-M", ())
    assert (medium.title, medium.description) == (small.title, small.description)
    assert medium.attributes["Size"] == "M"
    assert (mug.id, mug.category, mug.attributes) == ("mug", ("Kitchen",), {"status": "draft"})


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
    rows = read(tmp_path, EXPORT + 'hat,,,,,,,,,L,,,H-L,1,5,,,,,,\n" ragged" x\n')
    assert str(rows[3].problem).endswith(
        "products_export_1.csv:6: the product 'hat' has no row with a title before this one; keep "
        "the rows of a handle together, in the order of the export"
    )
    assert "H-L" in rows[3].raw
    assert str(rows[4].problem).endswith("double the quotes inside quotes")


def test_the_shopify_format_for_another_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,title\n1,t\n")
    with pytest.raises(SourceError, match="these are not the columns of Shopify's product export"):
        check_source(str(path), "shopify")
