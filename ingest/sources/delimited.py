"""CSV and TSV with a header line, quoted as RFC 4180 has it."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence

from es_hybrid.errors import RowError, SourceError
from ingest.sources import Row, require_columns
from ingest.sources.lines import MAX_LINE_BYTES, Line, not_utf8, read_lines
from ingest.sources.opening import opened

# An unclosed quote swallows the following lines; it is noticed at this many characters.
_MAX_FIELD_CHARS = 1024 * 1024
_RAW_CHARS = 2000


def read_delimited(path: str, *, tabs: bool, required: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of the file as text by column name.

    Without `tabs` the header decides between comma and semicolon, which spreadsheets write where
    the comma is the decimal separator. An empty field counts as absent.

    Raises:
        SourceError: the file cannot be read, is not UTF-8, has no rows, or lacks a column.
    """
    # Of the whole process, but only ever raised from the default, 128 KiB.
    csv.field_size_limit(_MAX_FIELD_CHARS)
    with opened(path) as stream:
        lines = _texts(read_lines(stream, path), path)
        header_line = next(lines)
        delimiter = "\t" if tabs else _delimiter(header_line)
        try:
            header = [name.strip() for name in next(csv.reader([header_line], delimiter=delimiter))]
        except csv.Error as error:
            raise SourceError(
                f"the header cannot be read: {error}",
                place=f"{path}:1",
                remedy="write column names",
            ) from None
        require_columns(path, header, required)
        yield from _rows(lines, header, path, delimiter)


def _rows(lines: Iterator[str], header: list[str], path: str, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    empty, last_line = True, 1
    while True:
        start = last_line + 1
        place = f"{path}:{start}"
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            last_line = reader.line_num + 1
            empty = False
            place = place if last_line <= start else f"{path}:{start}-{last_line}"
            yield _rejected(
                place, f"not CSV: {error}", "close the quote, and double quotes inside quotes"
            )
            continue
        last_line = reader.line_num + 1
        if not fields:
            continue
        empty = False
        if len(fields) != len(header):
            message = f"{len(fields)} fields, the header has {len(header)}"
            remedy = "quote fields that hold the delimiter or a line break"
            yield _rejected(place, message, remedy, raw=delimiter.join(fields))
            continue
        # An empty field is how CSV says that there is no value.
        yield Row(place, {name: value for name, value in zip(header, fields, strict=True) if value})
    if empty:
        raise SourceError(
            "the file has a header and no rows", place=path, remedy="check how it was written"
        )


def _rejected(place: str, message: str, remedy: str, raw: str = "") -> Row:
    problem = RowError(message, place=place, remedy=remedy)
    return Row(place, problem=problem, raw=raw[:_RAW_CHARS])


def _delimiter(header: str) -> str:
    return ";" if ";" in header and "," not in header else ","


def _texts(lines: Iterator[Line], path: str) -> Iterator[str]:
    """The lines decoded.

    Raises:
        SourceError: a line is not UTF-8 or has no end.
    """
    for line in lines:
        if line.cut:
            raise SourceError(
                f"line {line.number} is longer than {MAX_LINE_BYTES:,} bytes",
                place=path,
                remedy="check that this is CSV or TSV, with line breaks",
            )
        try:
            yield line.content.decode()
        except UnicodeDecodeError as error:
            raise not_utf8(path, line, error) from None
