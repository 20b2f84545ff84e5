from __future__ import annotations

import gzip
import io
import re
import sys
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from es_hybrid.errors import SourceError
from ingest.sources import FILE_FORMATS, Format, Row, check_source, guess_format, open_rows, opening


def write(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def read(path: str, **options: Any) -> list[Row]:
    return list(open_rows(path, guess_format(path), **options))


@pytest.mark.parametrize(
    ("name", "file_format"),
    [
        ("a.jsonl", "jsonl"), ("a.ndjson.gz", "jsonl"), ("A.CSV", "csv"), ("b.tsv.zst", "tsv"),
        ("dir.x/c.tab", "tsv"), ("d.parquet", "parquet"), ("d.pq", "parquet"),
    ],
)  # fmt: skip
def test_format_by_name(name: str, file_format: Format) -> None:
    assert guess_format(name) == file_format


@pytest.mark.parametrize("name", ["a.dat", "a", "a.gz", "-"])
def test_format_unknown(name: str) -> None:
    with pytest.raises(SourceError, match=re.escape("|".join(FILE_FORMATS))):
        guess_format(name)


def test_jsonl_with_broken_lines(tmp_path: Path) -> None:
    path = write(
        tmp_path, "a.jsonl", '\ufeff{"id": 1}\n\n{"id": \n[1]\r\n{"a": "\\ud800"}\n{"id": 5}'
    )
    rows = read(path)
    assert [row.place for row in rows] == [f"{path}:{n}" for n in (1, 3, 4, 5, 6)]
    assert [row.values for row in rows] == [{"id": 1}, {}, {}, {}, {"id": 5}]
    problems = [str(row.problem) for row in rows if row.problem]
    assert "not JSON" in problems[0]
    assert problems[1] == (
        f"{path}:4: the line is a JSON array, not an object; "
        "write one product per line, as an object"
    )
    assert rows[1].raw == '{"id": '


def test_jsonl_line_without_end_is_cut_and_the_next_ones_live(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "MAX_LINE_BYTES", 1000)
    path = write(tmp_path, "a.jsonl", '{"id": 1}\n"' + "x" * 5000 + '"\n{"id": 3}\n')
    first, second, third = read(path)
    assert (first.values, third.values, third.place) == ({"id": 1}, {"id": 3}, f"{path}:3")
    assert second.problem is not None
    assert "longer than" in second.problem.message


def test_columns_missing_or_doubled(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", "nr,name\n1,x\n")
    with pytest.raises(SourceError) as error:
        check_source(path, "csv", required=("id", "name"))
    assert str(error.value) == (
        f"{path}: no column 'id'; it has 'nr', 'name'; name the column: "
        "--map id=COLUMN, or ingest.fields in the settings (`es-hybrid ingest map` proposes them)"
    )
    doubled = write(tmp_path, "b.csv", "id,id\n1,2\n")
    with pytest.raises(SourceError, match="two columns have the same name: 'id'"):
        check_source(doubled, "csv", required=("id",))


def test_parquet_values_places_and_columns(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    table = pa.table(
        {
            "id": [1, 2],
            "title": ["a", None],
            "price": [Decimal("1.50"), Decimal("2.00")],
            "attributes": pa.array([[("size", "M")], []], type=pa.map_(pa.string(), pa.string())),
            "made": [date(2026, 1, 2), None],
            "blob": [b"x" * 100, b"y" * 100],
        }
    )
    pq.write_table(table, path)
    first, second = read(path, wanted=("id", "title", "price", "attributes", "made"))
    assert (first.place, second.place) == (f"{path}:row 1", f"{path}:row 2")
    assert first.values == {
        "id": 1,
        "title": "a",
        "price": Decimal("1.50"),
        "attributes": [("size", "M")],
        "made": date(2026, 1, 2),
    }
    assert second.values == {"id": 2, "price": Decimal("2.00"), "attributes": []}
    with pytest.raises(SourceError, match="no column 'sku'"):
        check_source(path, "parquet", required=("sku",))


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.jsonl.zst", "a.csv.gz", "a.tsv.zst"])
def test_compressed_files(tmp_path: Path, name: str) -> None:
    separator = "\t" if ".tsv" in name else ","
    text = (
        "".join(f'{{"id": {n}, "title": "t{n}"}}\n' for n in range(3000))
        if "jsonl" in name
        else f"id{separator}title\n" + "".join(f"{n}{separator}t{n}\n" for n in range(3000))
    )
    data = text.encode()
    if name.endswith(".gz"):
        data = gzip.compress(data)
    if name.endswith(".zst"):
        data = zstandard.compress(data)
    rows = read(write(tmp_path, name, data))
    assert len(rows) == 3000
    assert str(rows[2999].values["id"]) == "2999"


@pytest.mark.parametrize("name", ["a.jsonl.gz", "a.jsonl.zst"])
def test_compressed_data_cut_short(tmp_path: Path, name: str) -> None:
    data = b"".join(b'{"id": %d, "x": "%s"}\n' % (n, str(n**9).encode()) for n in range(20_000))
    packed = gzip.compress(data) if name.endswith("gz") else zstandard.compress(data)
    path = write(tmp_path, name, packed[: len(packed) // 2])
    rows = []
    with pytest.raises(SourceError, match="truncated or damaged"):  # noqa: PT012
        for row in open_rows(path, "jsonl"):
            rows.append(row)
    assert rows[0].values["id"] == 0


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("a.jsonl", b"", "the file is empty"),
        ("a.csv", b"", "the file is empty"),
        ("a.jsonl", b"\n \n", "the file has no rows"),
        ("a.csv", b"id,title\n", "the file has a header but no rows"),
        ("a.csv", "id,冰丝\n1,a".encode("gbk"), "the header is not UTF-8"),
        ("a.csv", "id,title\n1,冰丝\n2,红".encode("gbk"), "not UTF-8: byte 12 (line 2) is 0xb1"),
        ("a.jsonl", '{"id": "冰丝"}'.encode("gbk"), "not UTF-8: byte 9 (line 1) is 0xb1"),
        ("a.csv", "id,title\n1,a\n".encode("utf-16")[:-1], "not UTF-16, which its first bytes"),
        ("a.jsonl.gz", b"no gzip", "the compressed data is truncated or damaged"),
        ("a.jsonl.zst", b"no zstd data here", "the compressed data is truncated or damaged"),
        ("a.parquet", b"no parquet", "not Parquet, or damaged"),
        ("a.parquet", b"", "not Parquet, or damaged"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, name: str, content: bytes, problem: str) -> None:
    path = write(tmp_path, name, content)
    with pytest.raises(SourceError) as error:
        check_source(path, guess_format(path))
    assert error.value.message.startswith(problem)
    assert error.value.place == path
    assert error.value.remedy


def test_absent_files_and_folders(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file; check the path"):
        check_source(str(tmp_path / "none.csv"), "csv")
    with pytest.raises(SourceError, match="this is a folder"):
        check_source(str(tmp_path), "jsonl")


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BufferedReader(io.BytesIO(b'{"id": 1}\n'))

    monkeypatch.setattr(sys, "stdin", Stdin)
    check_source("-", "jsonl")
    assert [row.values for row in open_rows("-", "jsonl")] == [{"id": 1}]
