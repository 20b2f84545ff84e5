"""CSV and TSV as spreadsheets, databases and shops write them, with a header.

RFC 4180 is the rule. Read as well, because nothing else can be meant: a line `sep=;`, delimiters at
the end of rows, rows without their last fields, rows of delimiters only, quotes after a backslash,
and in TSV a value that begins with a quote but is not quoted.
"""

from __future__ import annotations

import contextlib
import csv
import io
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import chain, islice

from es_hybrid.errors import SourceError
from ingest.sources.dialect import (
    find_delimiter,
    has_backslash_quotes,
    sep_line,
    with_doubled_quotes,
)
from ingest.sources.encoding import DecodedLines, as_utf8, first_damage, is_damaged
from ingest.sources.exports import ExportDetection
from ingest.sources.opening import CONVERT, MAX_LINE_BYTES, Line, opened, read_lines
from ingest.sources.recognizing import check_kind
from ingest.sources.source import Format, Row, locate, require_columns, unreadable
from ingest.sources.table import Columns, is_blank

# An unclosed quote swallows the following lines until this many characters.
_MAX_FIELD_CHARS = 1024 * 1024
# With so many columns, a quoted text whose every line has as many delimiters as a row is no text
# but rows that an unclosed quote swallowed.
_MANY_COLUMNS = 5
# Lines that decide about the delimiter.
_SAMPLE_LINES = 50


def read_delimited(
    path: str,
    file_format: Format,
    *,
    exports: ExportDetection,
    required: Sequence[str] = (),
    wanted: Sequence[str] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Generator[Row, None, None]:
    """The rows of the file as text by column name; of a platform's export, its products.

    The first lines decide between comma, semicolon, tab and pipe. An empty field counts as missing.

    Args:
        wanted: Columns that will be read: only of these, two of the same name are an error.
        say: Called with a line about what is not as usual, such as the encoding.

    Raises:
        SourceError: the file cannot be read, is not text, has no rows, or lacks a column.
    """
    # Applies to the whole process; the default is 128 KiB.
    csv.field_size_limit(_MAX_FIELD_CHARS)
    where = locate(path)
    place = where.place
    with opened(where) as stream:
        check_kind(stream, place, may_be="table")
        lines = _not_too_long(read_lines(as_utf8(stream, place, say), place), place)
        decoded = DecodedLines(lines, place, say)
        table = _Table(decoded, place, prefers_tabs=file_format == "tsv", say=say)
        rows, columns = exports.table(table.rows(), table.columns.found, place)
        require_columns(place, columns, required, wanted)
        yield from rows


class _Table:
    """A header and the rows below it.

    Raises:
        SourceError: there is no header, or it cannot be read.
    """

    def __init__(
        self, decoded: DecodedLines, place: str, *, prefers_tabs: bool, say: Callable[[str], None]
    ) -> None:
        self._decoded, self._place, self._say = decoded, place, say
        texts = _texts(decoded)
        sample = list(islice(texts, _SAMPLE_LINES))
        named = sep_line(sample[0])
        above = sample[:1] if named else []
        if not named and prefers_tabs and "\t" in sample[0]:
            named = "\t"
        self._delimiter = named or find_delimiter(sample)
        self._lines = _Lines(chain(sample[len(above) :], texts), above=len(above))
        self._reader = csv.reader(self._lines, delimiter=self._delimiter, strict=True)
        self.columns = self._header()

    def _header(self) -> Columns:
        fields: list[str] = []
        try:
            while is_blank(fields):
                first = self._lines.begin()
                fields = next(self._reader)
        except StopIteration:
            raise SourceError(
                "the file has no header", place=self._place, remedy="check how it was written"
            ) from None
        except csv.Error as error:
            raise SourceError(
                f"the header cannot be read: {error}",
                place=f"{self._place}:{first}",
                remedy="write column names, and close the quotes around them",
            ) from None
        if any(map(is_damaged, fields)):
            raise SourceError("the header is not UTF-8", place=self._place, remedy=CONVERT)
        return Columns(fields)

    def rows(self) -> Iterator[Row]:
        """The rows; unreadable ones with a problem.

        Raises:
            SourceError: there are none.
        """
        empty = True
        for first, fields, problem in self._records():
            empty = False
            if self._decoded.damaged and not problem:
                problem = self._undecoded(fields)
            if problem:
                yield self._unreadable(first, problem)
            else:
                yield Row(f"{self._place}:{first}", self.columns.values(fields))
        if empty:
            raise SourceError(
                "the file has a header but no rows",
                place=self._place,
                remedy="check how it was written",
            )

    def _records(self) -> Iterator[tuple[int, list[str], str]]:
        """For each row the number of its first line, its fields, and what is wrong with them."""
        lines, reader = self._lines, self._reader
        count = len(self.columns)
        while True:
            first = lines.begin()
            problem = ""
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                fields, problem = self._second_look([], f"not CSV: {error}")
            else:
                if len(fields) > count or len(lines.taken) > 1:
                    fields, problem = self._second_look(fields, problem)
                if not problem and not (fields and fields[0].strip()) and is_blank(fields):
                    continue
            yield first, fields, problem

    def _second_look(self, fields: list[str], problem: str) -> tuple[list[str], str]:
        """Try other readings of a row that does not fit. Without one, its first lines are bad."""
        fields, taken = self._trimmed(fields), self._lines.taken
        swallowed = len(taken) > 1 and all(map(self._splits, taken))
        if self._delimiter == "\t" and (swallowed or (problem and self._splits(taken[0]))):
            self._lines.give_back(len(taken) - 1)
            return taken[0].rstrip("\r\n").split("\t"), ""
        if swallowed and len(self.columns) >= _MANY_COLUMNS:
            problem = problem or "not CSV: a quoted field contains whole rows"
        if not problem and len(fields) <= len(self.columns):
            return fields, ""
        if has_backslash_quotes(taken) and (other := self._in_other_dialect()):
            return other, ""
        self._end_damage()
        return [], problem or f"{len(fields)} fields, the header has {len(self.columns)}"

    def _splits(self, line: str) -> bool:
        """Whether a line is a row if quotes mean nothing."""
        return line.count(self._delimiter) == len(self.columns) - 1

    def _in_other_dialect(self) -> list[str] | None:
        """The fields if backslashes before quotes are read the other way; then all rows are."""
        lines = self._lines
        lines.give_back(len(lines.taken))
        lines.backslashes = not lines.backslashes
        with contextlib.suppress(csv.Error, StopIteration):
            fields = self._trimmed(next(self._reader))
            if len(fields) == len(self.columns):
                means = "quotes it" if lines.backslashes else "is text"
                self._say(f"{self._place}: read on as if a backslash before a quote {means}")
                return fields
        lines.give_back(len(lines.taken))
        lines.backslashes = not lines.backslashes
        with contextlib.suppress(csv.Error):
            next(self._reader)  # takes the same lines as before
        return None

    def _end_damage(self) -> None:
        """Return the lines after a bad row to the reader.

        An unclosed quote swallows the rows that follow. The first swallowed line that is a complete
        row ends the damage.
        """
        lines = self._lines
        for index, line in enumerate(lines.taken[1:], start=1):
            if self._is_complete(line):
                lines.give_back(len(lines.taken) - index)
                return

    def _is_complete(self, line: str) -> bool:
        try:
            fields = next(csv.reader([line], delimiter=self._delimiter, strict=True), [])
        except csv.Error:
            return False
        return len(self._trimmed(fields)) == len(self.columns)

    def _trimmed(self, fields: list[str]) -> list[str]:
        """The fields without empty ones past the last column."""
        while len(fields) > len(self.columns) and not fields[-1]:
            fields.pop()
        return fields

    def _undecoded(self, fields: list[str]) -> str:
        """What is wrong with a row that contains bytes that are not text."""
        for name, field in zip(self.columns.found, fields, strict=False):
            if is_damaged(field):
                return f"not UTF-8: byte {first_damage(field)} in column {name!r}"
        return ""

    def _unreadable(self, first: int, problem: str) -> Row:
        taken = self._lines.taken
        last = first + len(taken) - 1
        place = f"{self._place}:{first}" if last == first else f"{self._place}:{first}-{last}"
        return unreadable(
            place, problem, remedy=self._remedy(problem), raw="".join(taken).rstrip("\r\n")
        )

    def _remedy(self, problem: str) -> str:
        if problem.startswith("not UTF-8"):
            return CONVERT
        if not problem.startswith("not CSV"):
            return "quote fields that contain the delimiter or a line break"
        remedy = "close the quote, and double the quotes inside quotes"
        if has_backslash_quotes(self._lines.taken):
            return remedy + " instead of writing a backslash before them"
        return remedy


class _Lines:
    """Passes lines to the CSV reader; the lines of a bad row can be returned to it.

    Attributes:
        taken: The lines of the current row.
        backslashes: Whether a backslash quotes the next quote.
    """

    def __init__(self, lines: Iterator[str], *, above: int) -> None:
        self._lines = lines
        self._returned: deque[str] = deque()
        self._number = 1 + above  # of the next line
        self._chars = 0
        self.taken: list[str] = []
        self.backslashes = False

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._returned.popleft() if self._returned else next(self._lines)
        if self.taken:
            self._chars += len(line)
            if self._chars > MAX_LINE_BYTES:
                self._returned.appendleft(line)
                raise csv.Error(f"the row is longer than {MAX_LINE_BYTES:,} characters")
        self.taken.append(line)
        return with_doubled_quotes(line) if self.backslashes else line

    def begin(self) -> int:
        """Start a row and return the number of its first line."""
        self._number += len(self.taken)
        self._chars = 0
        self.taken.clear()
        return self._number

    def give_back(self, count: int) -> None:
        """Pass the last `count` lines again."""
        for _ in range(count):
            self._returned.appendleft(self.taken.pop())


def _texts(lines: Iterable[str]) -> Iterator[str]:
    """The lines, split at lone carriage returns, which old spreadsheets write."""
    for text in lines:
        if "\r" in text and text.index("\r") < len(text) - 2:
            yield from io.StringIO(text, newline="")
        else:
            yield text


def _not_too_long(lines: Iterator[Line], place: str) -> Iterator[Line]:
    """The lines.

    Raises:
        SourceError: one is too long.
    """
    for line in lines:
        if line.cut:
            raise SourceError(
                f"line {line.number} is longer than {MAX_LINE_BYTES:,} bytes",
                place=place,
                remedy="check that this is CSV or TSV with line breaks",
            )
        yield line
