"""CSV and TSV with a header line, quoted as in RFC 4180."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from es_hybrid.errors import SourceError
from ingest.sources.opening import MAX_LINE_BYTES, Line, not_utf8, opened, read_lines
from ingest.sources.source import Format, Row, locate, require_columns, unreadable

# An unclosed quote swallows the following lines until this many characters.
_MAX_FIELD_CHARS = 1024 * 1024


def read_delimited(
    path: str, file_format: Format, *, required: Sequence[str] = ()
) -> Generator[Row, None, None]:
    """The rows of the file as text by column name; of Shopify's export, its variants.

    The header of a `csv` decides between comma, tab, and the semicolon that spreadsheets write if
    the comma is the decimal separator. It also shows whether this is Shopify's export. An empty
    field counts as missing.

    Raises:
        SourceError: the file cannot be read, is not UTF-8, has no rows, or lacks a column.
    """
    # Applies to the whole process; the default is 128 KiB.
    csv.field_size_limit(_MAX_FIELD_CHARS)
    where = locate(path)
    place = where.place
    with opened(where) as stream:
        lines = _texts(read_lines(stream, place), place)
        header_line = next(lines)
        delimiter = "\t" if file_format == "tsv" else _delimiter(header_line)
        header = _header(header_line, delimiter, place)
        rows = _rows(lines, header, place, delimiter)
        columns = header
        if _is_shopify(header):
            from ingest.sources.exports.shopify import PRODUCED, variants

            rows = variants(rows, header)
            columns = [*header, *(name for name in PRODUCED if name not in header)]
        elif file_format == "shopify":
            raise SourceError(
                "these are not the columns of Shopify's product export",
                place=place,
                remedy="export under Products > Export, or set --format csv",
            )
        require_columns(place, columns, required)
        yield from rows


def _is_shopify(header: Sequence[str]) -> bool:
    """Whether these are the columns of Shopify's product export; their case has changed."""
    names = {name.lower() for name in header}
    return {"title", "option1 name", "option1 value"} <= names and not names.isdisjoint(
        ("handle", "url handle")
    )


def _header(line: str, delimiter: str, place: str) -> list[str]:
    try:
        return [name.strip() for name in next(csv.reader([line], delimiter=delimiter))]
    except csv.Error as error:
        raise SourceError(
            f"the header cannot be read: {error}",
            place=f"{place}:1",
            remedy="write column names",
        ) from None


def _rows(texts: Iterator[str], header: list[str], place: str, delimiter: str) -> Iterator[Row]:
    lines = _Lines(texts)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    empty = True
    while True:
        start = lines.begin()
        try:
            fields = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            empty = False
            bad = _damaged_lines(lines, len(header), delimiter)
            last = start + len(bad) - 1
            yield unreadable(
                f"{place}:{start}" if last == start else f"{place}:{start}-{last}",
                f"not CSV: {error}",
                remedy="close the quote, and double the quotes inside quotes",
                raw="".join(bad).rstrip("\r\n"),
            )
            continue
        if not fields:
            continue
        empty = False
        if len(fields) != len(header):
            yield unreadable(
                f"{place}:{start}",
                f"{len(fields)} fields, the header has {len(header)}",
                remedy="quote fields that contain the delimiter or a line break",
                raw=delimiter.join(fields),
            )
            continue
        # CSV has no null: an empty field means that there is no value.
        yield Row(
            f"{place}:{start}",
            {name: value for name, value in zip(header, fields, strict=True) if value},
        )
    if empty:
        raise SourceError(
            "the file has a header but no rows", place=place, remedy="check how it was written"
        )


class _Lines:
    """Passes lines to the CSV reader; the lines of a bad row can be returned to it."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._returned: deque[str] = deque()
        self._number = 2  # of the next line; the header is the first
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        self.taken.append(line)
        return line

    def begin(self) -> int:
        """Start a row and return the number of its first line."""
        self._number += len(self.taken)
        self.taken.clear()
        return self._number

    def give_back(self, count: int) -> None:
        """Pass the last `count` lines again."""
        for _ in range(count):
            self._returned.appendleft(self.taken.pop())


def _damaged_lines(lines: _Lines, columns: int, delimiter: str) -> list[str]:
    """The lines of a row that is not CSV; the lines after it are read again.

    An unclosed quote swallows the rows that follow. The first swallowed line that is a complete row
    ends the damage.
    """
    for index, line in enumerate(lines.taken[1:], start=1):
        if _is_complete(line, columns, delimiter):
            lines.give_back(len(lines.taken) - index)
            break
    return lines.taken.copy()


def _is_complete(line: str, columns: int, delimiter: str) -> bool:
    try:
        fields = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return False
    return len(fields) == columns


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _texts(lines: Iterator[Line], place: str) -> Iterator[str]:
    """The decoded lines, split at lone carriage returns, which old spreadsheets write.

    Raises:
        SourceError: a line is not UTF-8 or too long.
    """
    for line in lines:
        if line.cut:
            raise SourceError(
                f"line {line.number} is longer than {MAX_LINE_BYTES:,} bytes",
                place=place,
                remedy="check that this is CSV or TSV with line breaks",
            )
        try:
            text = line.content.decode()
        except UnicodeDecodeError as error:
            raise not_utf8(place, line, error) from None
        if "\r" in text and text.index("\r") < len(text) - 2:
            yield from io.StringIO(text, newline="")
        else:
            yield text
