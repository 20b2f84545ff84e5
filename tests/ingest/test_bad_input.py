"""RELIABILITY's list of bad input, as far as it is about sources and rows: every message in full.

`file:line sku=… field=…: problem; remedy`. What is wrong with one row is said of that row, and the
next one is read; what is wrong with a file ends it.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import EsHybridError, RowError, SettingsError
from es_hybrid.settings import IngestSettings, Settings
from ingest.checking import check_feed
from ingest.cleaning.clean import Cleaner
from ingest.sources import FILE_FORMATS, find_sources, open_rows

GOOD = {"id": "1", "title": "Kettle", "lang": "en"}
NEXT = {"id": "2", "title": "Mug", "lang": "en"}


def said(path: str) -> tuple[list[str], list[str]]:
    """What is said of the rows, and the ids of those that are fine."""
    cleaner = Cleaner(Settings(ingest=IngestSettings(bad_price="reject")))
    messages, ids = [], []
    try:
        for source in find_sources([path]):
            for row in open_rows(*source, required=cleaner.required_columns):
                try:
                    ids.append(cleaner.clean(row).product.id)
                except RowError as problem:
                    messages.append(str(problem))
    except EsHybridError as error:
        messages.append(str(error))
    return messages, ids


def written(folder: Path, name: str, content: bytes) -> str:
    path = folder / name
    path.write_bytes(content)
    return str(path)


ROWS: list[tuple[dict[str, Any], str]] = [
    (
        {"id": None, "sku": "K-17"},
        "{path}:1 sku=K-17 field=id: missing; give every product an id that never changes",
    ),
    (
        {"id": "é" * 257, "sku": "K-17"},
        "{path}:1 sku=K-17 field=id: 514 bytes, Elasticsearch allows 512; shorten it, or map "
        "another column",
    ),
    (
        {"price": "12,99"},
        "{path}:1 id=1 field=price: '12,99' is not a price with the decimal separator '.'; correct "
        "it, or set ingest.decimal_separator",
    ),
    (
        {"price": "on request"},
        "{path}:1 id=1 field=price: 'on request' is not a price; correct it",
    ),
    (
        {"price": -5},
        "{path}:1 id=1 field=price: -5 is negative; write 0 or more, or nothing",
    ),
    (
        {"title": "<p>\u200b</p>"},
        "{path}:1 id=1 field=title: blank after cleaning; give every product a title",
    ),
]


@pytest.mark.parametrize(("change", "message"), ROWS)
def test_values_that_are_not_allowed(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in (GOOD | change, NEXT))
    path = written(tmp_path, "a.jsonl", lines.encode())
    assert said(path) == ([message.format(path=path)], ["2"])


LINES = [
    (
        b'{"id": "1", "title": "a", "price": 1, "price": 2}',
        "{path}:1: the key 'price' occurs twice in one object; keep one of the two",
    ),
    (
        b'{"id": "1", "title": "a", "attributes": {"size": "S", "size" : "M"}}',
        "{path}:1: the key 'size' occurs twice in one object; keep one of the two",
    ),
    (
        b'{"id": "1", "title": "masked: \\u0022 \\u0022 \\u0022 \\u0022", "a": "b", "a": "c"}',
        "{path}:1: the key 'a' occurs twice in one object; keep one of the two",
    ),
    (
        b'{"id": "1", "title": "half \\ud83d"}',
        "{path}:1: not JSON: no low surrogate in string: line 1 column 28 (char 27); correct the "
        "line",
    ),
    (
        b'{"id": "1", "title": "a\x00b"}',
        "{path}:1: not JSON: unexpected control character in string: line 1 column 24 (char 23); "
        "correct the line",
    ),
    (
        b'{"id": "1"}\r{"id": "3"}',
        "{path}:1: not JSON: unexpected content after document: line 1 column 13 (char 12); "
        "correct the line",
    ),
    (
        b'["1", "a"]',
        "{path}:1: the line is a JSON array, not an object; write one product per line, as an "
        "object",
    ),
    (
        b'{"a": ' * 300 + b"1" + b"}" * 300,
        "{path}:1: nested deeper than 254 levels; write flat objects",
    ),
]


@pytest.mark.parametrize(("line", "message"), LINES)
def test_lines_that_are_no_product(tmp_path: Path, line: bytes, message: str) -> None:
    path = written(tmp_path, "a.jsonl", line + b"\n" + json.dumps(NEXT).encode())
    assert said(path) == ([message.format(path=path)], ["2"])


@pytest.mark.parametrize(
    "line",
    [
        '{"id": "1", "title": "says \\":\\" twice \\":"}',
        '{"id" : "1" , "title" : "loose" , "lang" : "fr"}',
        '{"id":"1","title":"tight","attributes":{"id":"own","title":"own"}}',
        '{"id": "1", "title": "an escaped key", "\\u0061": 1}',
        '{"id": "1", "title": "a quote by number: \\u0022"}',
    ],
)
def test_lines_that_only_look_as_if_a_key_stood_twice(tmp_path: Path, line: str) -> None:
    assert said(written(tmp_path, "a.jsonl", line.encode())) == ([], ["1"])


def test_what_csv_may_hold(tmp_path: Path) -> None:
    """A byte order mark, NUL, and all three ends of line in one file."""
    path = written(tmp_path, "a.csv", b'\xef\xbb\xbfid,title\r\n1,a\x00b\r2,"c\rd"\n3,e\r\n')
    assert said(path) == ([], ["1", "2", "3"])
    titles = [Cleaner(Settings()).clean(row).product.title for row in open_rows(path, "csv")]
    assert titles == ["ab", "c d", "e"]


def test_csv_rows_that_are_none(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", b'id,title\n1,"open\n2,fine\n3,ragged,row\n4,fine\n')
    assert said(path) == (
        [
            f"{path}:2: not CSV: unexpected end of data; close the quote, and double the quotes "
            "inside quotes",
            f"{path}:4: 3 fields, the header has 2; quote fields that contain the delimiter or a "
            "line break",
        ],
        ["2", "4"],
    )


FILES = [
    ("a.jsonl", b"", "{path}: the file is empty; check how it was written"),
    ("a.csv", b"id,title\n", "{path}: the file has a header but no rows; check how it was written"),
    (
        "a.csv",
        b"id,name\n1,a\n",
        "{path}: no column 'title'; it has 'id', 'name'; name the column: --map id=COLUMN, "
        "or ingest.fields in the settings (`es-hybrid ingest map` proposes them)",
    ),
    (
        "a.csv",
        "id,title\n1,冰丝\n2,红色\n".encode("gbk"),
        "{path}: not UTF-8: byte 12 (line 2) is 0xb1; convert the file: iconv -f ENCODING -t "
        "UTF-8, or save it as UTF-8",
    ),
    (
        "a.jsonl.gz",
        gzip.compress(json.dumps(GOOD).encode())[:-12],
        "{path}: the compressed data is truncated or damaged (Compressed file ended before the "
        "end-of-stream marker was reached); create or copy the file again",
    ),
    (
        "a.dat",
        b"x",
        "{path}: the name does not show the format; set --format " + "|".join(FILE_FORMATS),
    ),
]


KINDS = ["empty", "no rows", "no title", "not UTF-8", "cut off", "no format"]


@pytest.mark.parametrize(("name", "content", "message"), FILES, ids=KINDS)
def test_files_as_a_whole(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    assert said(path) == ([message.format(path=path)], [])


def test_a_file_that_is_not_there_and_an_empty_folder(tmp_path: Path) -> None:
    path = str(tmp_path / "none.jsonl")
    assert said(path) == ([f"{path}: no such file; check the path"], [])
    (message,), _ = said(str(tmp_path))
    assert message.startswith(f"{tmp_path}: it contains no readable file; name")


def test_a_field_that_products_do_not_have() -> None:
    with pytest.raises(SettingsError) as error:
        Cleaner(Settings(ingest=IngestSettings(fields={"colour": "Farbe"})))
    assert str(error.value) == (
        "ingest.fields: no such product field: colour; map one of id, title, sku, gtin, "
        "description, brand, category, price, currency, lang, attributes, version"
    )


def test_doubled_ids_and_cut_texts_are_counted(tmp_path: Path) -> None:
    long = GOOD | {"description": "word " * 1000}
    lines = "".join(json.dumps(row) + "\n" for row in (GOOD, long))
    path = written(tmp_path, "a.jsonl", lines.encode())
    report = check_feed(Settings(), find_sources([path]))
    assert (report.repeated, report.duplicates[0].places) == (1, (f"{path}:1", f"{path}:2"))
    assert report.texts.cut == 1
