from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from es_hybrid.settings import IngestSettings
from ingest.sources import Row, check_source, open_rows
from ingest.sources.exports import EXPORTS, woocommerce
from ingest.sources.exports.shelf import Shelf


@pytest.mark.parametrize("name", ["shopify", "woocommerce", "magento", "google"])
def test_the_format_of_a_platform_for_another_file(tmp_path: Path, name: str) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "a.jsonl"
    table.write_text("id,title\n1,t\n")
    lines.write_text('{"id": 1, "title": "t"}\n')
    label = next(export.label for export in EXPORTS if export.name == name)
    for path in (table, lines):
        with pytest.raises(SourceError, match=f"these are not the columns of {label}") as raised:
            check_source(str(path), name)  # type: ignore[arg-type]
        assert raised.value.remedy.endswith("or set another --format")


def test_the_format_of_a_platform_finds_out_how_the_file_is_written(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"id": 1, "title": "t", "handle": "t", "variants": [{"id": 2, "sku": "S"}]}\n')
    found: list[str] = []
    (row,) = open_rows(str(path), "shopify", found=lambda export: found.append(export.label))
    assert row.values["sku"] == "S"
    assert found == ["Shopify's products.json"]


@pytest.mark.parametrize(
    "header", ["id,title,price", "sku,name,price,product_type", "id,title,link"]
)
def test_plain_tables_are_no_exports(tmp_path: Path, header: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\n" + ",".join("x" * len(header.split(","))) + "\n")
    found: list[object] = []
    (row,) = open_rows(str(path), "csv", found=found.append)
    assert (list(row.values), found) == (header.split(","), [])


def test_the_shelf_returns_rows_by_key_in_their_order() -> None:
    shelf = Shelf()
    rows = [Row(f"a\udcff:{n}", {"n": n, "text": "\ud800"}, skipped="draft") for n in range(3)]
    for row in rows:
        shelf.put("kind", "key\udcff", row)
    shelf.put("other", "key\udcff", rows[0])
    assert shelf.get("kind", "key\udcff") == rows[2]
    assert list(shelf.rest("kind")) == rows
    assert shelf.take("kind", "key\udcff") == rows
    assert shelf.take("kind", "key\udcff") == []
    assert shelf.get("kind", "none") is None
    shelf.close()


def test_rows_that_wait_do_not_fill_the_memory() -> None:
    def rows() -> Iterator[Row]:
        text = "x" * 4000
        for n in range(5_000):
            yield Row(f"a:{n}", {"ID": str(n), "Type": "variation", "SKU": "", "Name": "n",
                                 "Parent": f"id:{n}0", "Description": text})  # fmt: skip

    tracemalloc.start()
    try:
        count = sum(1 for _ in woocommerce.EXPORT.products(rows(), IngestSettings()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 5_000
    assert peak < 5 * 1024 * 1024  # the rows take 20 MB
