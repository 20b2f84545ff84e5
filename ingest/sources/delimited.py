"""CSV and TSV with a header line, quoted as RFC 4180 has it."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Generator, Iterator, Sequence

from es_hybrid.errors import SourceError
from ingest.sources import shopify
from ingest.sources.columns import require_columns
from ingest.sources.lines import MAX_LINE_BYTES, Line, not_utf8, read_lines
from ingest.sources.opening import opened
from ingest.sources.row import Row, unreadable
from ingest.sources.source import Format, place_of

# An unclosed quote swallows the following lines; it is noticed at this many characters.
_MAX_FIELD_CHARS = 1024 * 1024


def read_delimited(
    path: str, file_format: Format, *, required: Sequence[str] = ()
) -> Generator[Row, None, None]:
    """The rows of the file as text by column name; of Shopify's export, its variants.

    The header of a `csv` decides between comma, semicolon, which spreadsheets write where the
    comma is the decimal separator, and tab; and it shows whether this is Shopify's export. An
    empty field counts as absent.

    Raises:
        SourceError: the file cannot be read, is not UTF-8, has no rows, or lacks a column.
    """
    # Of the whole process, but only ever raised from the default, 128 KiB.
    csv.field_size_limit(_MAX_FIELD_CHARS)
    place = place_of(path)
    with opened(path) as stream:
        lines = _texts(read_lines(stream, place), place)
        header_line = next(lines)
        delimiter = "\t" if file_format == "tsv" else _delimiter(header_line)
        header = _header(header_line, delimiter, place)
        rows = _rows(lines, header, place, delimiter)
        if file_format == "shopify" or shopify.is_export(header):
            rows = shopify.variants(rows, header, place)
            made = [name for name in shopify.PRODUCED if name not in header]
            require_columns(place, [*header, *made], required)
        else:
            require_columns(place, header, required)
        yield from rows


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
            bad = _given_up(lines, len(header), delimiter)
            last = start + len(bad) - 1
            yield unreadable(
                f"{place}:{start}" if last == start else f"{place}:{start}-{last}",
                f"not CSV: {error}",
                remedy="close the quote, and double quotes inside quotes",
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
                remedy="quote fields that hold the delimiter or a line break",
                raw=delimiter.join(fields),
            )
            continue
        # An empty field is how CSV says that there is no value.
        yield Row(
            f"{place}:{start}",
            {name: value for name, value in zip(header, fields, strict=True) if value},
        )
    if empty:
        raise SourceError(
            "the file has a header and no rows", place=place, remedy="check how it was written"
        )


class _Lines:
    """The lines that the CSV reader takes; those of a row gone wrong can be handed back."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines
        self._back: deque[str] = deque()
        self._number = 2  # of the next line; the header was the first
        self.taken: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._back.popleft() if self._back else next(self._lines)
        self.taken.append(line)
        return line

    def begin(self) -> int:
        """Begin a row: the number of its first line."""
        self._number += len(self.taken)
        self.taken.clear()
        return self._number

    def hand_back(self, count: int) -> None:
        """Give the last lines that were taken again."""
        for _ in range(count):
            self._back.appendleft(self.taken.pop())


def _given_up(lines: _Lines, columns: int, delimiter: str) -> list[str]:
    """The lines of a row that is no CSV; what follows is read on.

    A quote that is never closed swallows rows without end. The first of the swallowed lines that
    is a whole row by itself ends the damage.
    """
    for index, line in enumerate(lines.taken[1:], start=1):
        if _is_whole(line, columns, delimiter):
            lines.hand_back(len(lines.taken) - index)
            break
    return lines.taken.copy()


def _is_whole(line: str, columns: int, delimiter: str) -> bool:
    try:
        fields = next(csv.reader([line], delimiter=delimiter, strict=True), [])
    except csv.Error:
        return False
    return len(fields) == columns


def _delimiter(header: str) -> str:
    return max(",;\t", key=header.count)


def _texts(lines: Iterator[Line], place: str) -> Iterator[str]:
    """The lines decoded; where a lone carriage return ends one, as old spreadsheets write, cut.

    Raises:
        SourceError: a line is not UTF-8 or has no end.
    """
    for line in lines:
        if line.cut:
            raise SourceError(
                f"line {line.number} is longer than {MAX_LINE_BYTES:,} bytes",
                place=place,
                remedy="check that this is CSV or TSV, with line breaks",
            )
        try:
            text = line.content.decode()
        except UnicodeDecodeError as error:
            raise not_utf8(place, line, error) from None
        if "\r" in text and text.index("\r") < len(text) - 2:
            yield from io.StringIO(text, newline="")
        else:
            yield text
