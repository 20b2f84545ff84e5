from __future__ import annotations

import gzip
import sys
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook

from es_hybrid.errors import MissingExtra, SourceError
from ingest.sources import Row, check_source, guess_format, open_rows, unpacking

HEADER = ["id", "title", "price", "gtin", "made", "stock", "note"]


def save(folder: Path, *sheets: list[list[Any]], name: str = "a.xlsx") -> str:
    book = Workbook()
    for number, rows in enumerate(sheets):
        sheet = book.worksheets[0] if number == 0 else book.create_sheet(f"other {number}")
        for row in rows:
            sheet.append(row)
    path = folder / name
    book.save(path)
    return str(path)


def read(path: str) -> tuple[list[Row], list[str]]:
    """The rows, and what is said."""
    said = list[str]()
    return list(open_rows(path, guess_format(path), say=said.append)), said


def test_values_and_places(tmp_path: Path) -> None:
    made = datetime(2026, 1, 2)
    path = save(
        tmp_path,
        [
            HEADER,
            [1, "Küche", 12.5, 4006381333931.0, made, 0, True],
            [None] * 7,
            ["A-2", "Cap", 9, "0400638133393", datetime(2026, 1, 2, 3, 4), None, "x"],
        ],
    )
    rows, said = read(path)
    assert [row.place.removeprefix(f"{path}:") for row in rows] == ["row 2", "row 4"]
    assert rows[0].values == {
        "id": 1, "title": "Küche", "price": 12.5, "gtin": 4006381333931, "made": "2026-01-02",
        "stock": 0, "note": True,
    }  # fmt: skip
    assert rows[1].values["made"] == "2026-01-02T03:04:00"
    assert rows[1].values["gtin"] == "0400638133393"
    assert "stock" not in rows[1].values
    assert said == []


def test_zeros_in_front_that_the_format_shows(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.append(["id", "title", "gtin"])
    sheet.append([1, "Mug", 400638133393])
    sheet["C2"].number_format = "0000000000000"
    book.save(tmp_path / "a.xlsx")
    assert read(str(tmp_path / "a.xlsx"))[0][0].values["gtin"] == "0400638133393"


def test_the_first_sheet_with_rows(tmp_path: Path) -> None:
    path = save(tmp_path, [], [["id", "title"], [1, "Mug"]], [["a"], ["b"]])
    rows, said = read(path)
    assert [row.values for row in rows] == [{"id": 1, "title": "Mug"}]
    assert said == [f"{path}: read the sheet 'other 1', not 'other 2'"]


def test_in_an_archive_and_compressed(tmp_path: Path) -> None:
    path = save(tmp_path, [["id", "title"], [1, "Mug"]])
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.write(path, "a.xlsx")
    (tmp_path / "b.xlsx.gz").write_bytes(gzip.compress(Path(path).read_bytes()))
    for name in ("a.zip!a.xlsx", "b.xlsx.gz"):
        assert [row.values["title"] for row in read(f"{tmp_path}/{name}")[0]] == ["Mug"]


def test_columns_are_checked(tmp_path: Path) -> None:
    path = save(tmp_path, [["id", "id", "title", None], [1, 2, "Mug", "x"]])
    with pytest.raises(SourceError, match="two columns have the same name: 'id'"):
        check_source(path, "xlsx", required=("id",))
    with pytest.raises(SourceError, match="no column 'sku'"):
        check_source(path, "xlsx", required=("sku",))
    assert read(path)[0][0].values == {"title": "Mug"}


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for content, problem in (
        (b"id,title\n1,a\n", "no workbook, or damaged"),
        (b"PK\x03\x04 damaged", "no workbook, or damaged"),
        (b"%PDF-1.7", "this is a PDF"),
    ):
        (tmp_path / "bad.xlsx").write_bytes(content)
        with pytest.raises(SourceError, match=problem):
            read(str(tmp_path / "bad.xlsx"))
    with pytest.raises(SourceError, match="the workbook has no rows"):
        read(save(tmp_path, []))
    with pytest.raises(SourceError, match="the sheet has a header but no rows"):
        read(save(tmp_path, [["id"]]))
    for name in ("a.xls", "a.ods", "A.XLSB"):
        with pytest.raises(SourceError, match="save it as XLSX or as CSV"):
            guess_format(name)
    path = save(tmp_path, [["id", "title"], *([n, "x" * 1000] for n in range(3000))])
    monkeypatch.setattr(unpacking, "RATIO_COUNTS_FROM", 10_000)
    monkeypatch.setattr(unpacking, "MAX_RATIO", 5)
    with pytest.raises(SourceError, match="the compressed data expands to"):
        read(path)


def test_the_library_is_optional(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(tmp_path, [["id", "title"], [1, "Mug"]])
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingExtra, match=r"openpyxl, which reads workbooks, is not installed"):
        read(path)
