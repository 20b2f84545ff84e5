"""What a file is, by its first bytes, where its name shows something else."""

from __future__ import annotations

import re
from typing import BinaryIO

from es_hybrid.errors import SourceError
from ingest.sources.opening import head_of

_SAVE = "save it as CSV (UTF-8) or XLSX"
_UNPACK = "add {} to the name, or unpack it"
_WORKBOOK, _ZIP = "an Excel workbook (XLSX)", "a ZIP archive"
# First bytes -> what the file is, and the remedy.
_BINARY = (
    (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "an OpenDocument spreadsheet", _SAVE),
    (rb"PK\x03\x04.{26,2000}?(?:\[Content_Types\]|_rels/|xl/|docProps/)",
     _WORKBOOK, "name it .xlsx, or set --format xlsx"),
    (rb"PK\x03\x04|PK\x05\x06", _ZIP, "name it .zip, or unpack it"),
    (rb"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook of the old kind (XLS)", _SAVE),
    (rb"%PDF-", "a PDF", "export the products as CSV, XML or JSON"),
    (rb"\x1f\x8b", "compressed with gzip", _UNPACK.format(".gz")),
    (rb"\x28\xb5\x2f\xfd", "compressed with Zstandard", _UNPACK.format(".zst")),
    (rb"BZh[1-9]|\xfd7zXZ\x00|7z\xbc\xaf\x27\x1c|Rar!\x1a", "compressed", "unpack it"),
    (rb"PAR1", "Parquet", "name it .parquet, or set --format parquet"),
    (rb"SQLite format 3\x00", "a SQLite database", "export the products as CSV"),
)  # fmt: skip
_TEXT = (
    (rb"<!doctype html|<html|<head|<body", "an HTML page, perhaps a login or an error page",
     "check the address, and log in if needed"),
    (rb"<\?xml|<rss|<feed|<!--|<!doctype|<rdf:", "XML", "name it .xml, or set --format xml"),
    (rb"\[\s*[\[{]|\{\s*[\"}]", "JSON", "name it .json, or set --format json"),
)  # fmt: skip
# A workbook is a ZIP archive whose first member may have any name.
_EXPECTED = {"json": ("JSON",), "xml": ("XML",), "xlsx": (_WORKBOOK, _ZIP)}
_BOM = b"\xef\xbb\xbf"


def check_kind(stream: BinaryIO, place: str, *, may_be: str) -> None:
    """Refuse a file of another kind than its format.

    Args:
        may_be: `json` for JSON and JSON Lines, `xlsx`, `xml`, or `table` for CSV and TSV.

    Raises:
        SourceError: it is of another kind.
    """
    head = head_of(stream)
    text = head.removeprefix(_BOM).lstrip()
    for start, kinds in ((head, _BINARY), (text, _TEXT)):
        for pattern, name, remedy in kinds:
            if re.match(pattern, start, re.DOTALL | re.IGNORECASE):
                if name in _EXPECTED.get(may_be, ()):
                    return
                raise SourceError(f"this is {name}", place=place, remedy=remedy)
