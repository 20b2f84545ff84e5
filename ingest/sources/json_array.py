"""JSON: an array of objects, alone or inside an object such as `{"products": [...]}`.

The array is split into its elements without decoding it, so that memory stays small, a row has a
line, and an element that is not JSON is one dead letter: a streaming parser has none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO

from es_hybrid.errors import SourceError
from ingest.sources.jsonl import json_row
from ingest.sources.opening import MAX_LINE_BYTES, Line
from ingest.sources.source import Row, unreadable

_CHUNK_BYTES = 1 << 18
# The next bracket outside a string. A string that is not closed ends with its line.
_BRACKET = re.compile(rb'(?:[^"\[\]{}]++|"(?:[^"\\\n]++|\\[\x00-\xff])*+["\n])*+([\[\]{}])')
_OPENING = {b"}": b"{", b"]": b"["}
_SEPARATORS = b" \t\r\n,"
_OBJECT_FOLLOWS = re.compile(rb"\s*\{")


def array_as_rows(stream: BinaryIO, place: str) -> Iterator[Row]:
    """A row for each object of the first array of objects.

    Raises:
        SourceError: there is none, or the text ends too early.
    """
    brackets = _Brackets(stream, place)
    if not _find_array(brackets):
        raise SourceError(
            "no array of objects", place=place, remedy='write [{"id": …}, …], or one object a line'
        )
    empty = True
    for line in brackets.elements():
        empty = False
        yield _row(line, f"{place}:{line.number}")
    if empty:
        raise SourceError("the array has no rows", place=place, remedy="check how it was written")
    while _find_array(brackets):
        yield unreadable(
            f"{place}:{brackets.line}",
            "a second array of objects, which is not read",
            remedy="write the products into one array",
            raw="",
        )


def _row(line: Line, place: str) -> Row:
    if line.content[:1] in (b"{", b"["):
        return json_row(line, place)
    raw = line.content.rstrip(_SEPARATORS).decode(errors="replace")
    return unreadable(place, "not an object", remedy="write each product as an object", raw=raw)


def _find_array(brackets: _Brackets) -> bool:
    """Go to the start of the next array of objects that is not inside another array."""
    arrays = 0
    while bracket := brackets.next():
        if bracket == b"[":
            if not arrays and brackets.object_follows():
                return True
            arrays += 1
        elif bracket == b"]":
            arrays -= 1
    return False


class _Brackets:
    """The brackets of a JSON text, outside its strings.

    Attributes:
        line: Number of the line of the last bracket that was asked for, from 1.
    """

    def __init__(self, stream: BinaryIO, place: str) -> None:
        self._stream, self._place = stream, place
        self._buffer = b""
        self._position = 0  # after the last bracket
        self._element: int | None = None  # where the current element begins
        self._lines_before, self._counted = 1, 0

    @property
    def line(self) -> int:
        """See the class."""
        return self._line_at(self._position)

    def next(self) -> bytes:
        """The next bracket; empty at the end of the text."""
        found = self._find()
        return found[1] if found else b""

    def object_follows(self) -> bool:
        """Whether an object begins after the last bracket."""
        while not self._buffer[self._position :].strip() and self._read_more():
            pass
        return _OBJECT_FOLLOWS.match(self._buffer, self._position) is not None

    def elements(self) -> Iterator[Line]:
        """The elements of the array that has just begun; text between them is an element, too.

        Raises:
            SourceError: the text ends before the array, or an element is too long.
        """
        while True:
            found = self._expect()
            start = found.start(1)
            between = self._buffer[found.start() : start].lstrip(_SEPARATORS)
            if between:
                yield Line(self._line_at(start - len(between)), 0, between, False)
            if found[1] == b"]":
                return
            if found[1] == b"}":
                continue
            self._element = start
            number = self._line_at(start)
            self._skip_to_end_of(found[1])
            yield Line(number, 0, self._buffer[self._element : self._position], False)
            self._element = None

    def _skip_to_end_of(self, bracket: bytes) -> None:
        """Go behind the bracket that closes this one.

        A bracket that closes another one than the last closes all in between: what is wrong with an
        element stays in it.
        """
        opened, counts = [bracket], {b"{": 0, b"[": 0}
        counts[bracket] += 1
        while opened:
            bracket = self._expect()[1]
            if (opening := _OPENING.get(bracket)) is None:
                opened.append(bracket)
                counts[bracket] += 1
            elif counts[opening]:
                closed = b""
                while closed != opening:
                    closed = opened.pop()
                    counts[closed] -= 1

    def _expect(self) -> re.Match[bytes]:
        found = self._find()
        if found is None:
            began = self._position if self._element is None else self._element
            raise SourceError(
                f"the file ends inside what begins in line {self._line_at(began)}",
                place=self._place,
                remedy="create or copy the file again",
            )
        return found

    def _find(self) -> re.Match[bytes] | None:
        while (found := _BRACKET.match(self._buffer, self._position)) is None:
            if not self._read_more():
                return None
        self._position = found.end()
        return found

    def _read_more(self) -> bool:
        keep = self._position if self._element is None else self._element
        pending = len(self._buffer) - keep
        if pending > MAX_LINE_BYTES:
            raise SourceError(
                f"longer than {MAX_LINE_BYTES:,} bytes without an end",
                place=f"{self._place}:{self._line_at(keep)}",
                remedy="check that this is an array of products",
            )
        chunk = self._stream.read(max(_CHUNK_BYTES, pending))
        self._line_at(keep)
        self._counted -= keep
        self._buffer = self._buffer[keep:] + chunk
        self._position -= keep
        if self._element is not None:
            self._element = 0
        return bool(chunk)

    def _line_at(self, offset: int) -> int:
        """The number of the line at an offset of the buffer, which never decreases."""
        if offset > self._counted:
            self._lines_before += self._buffer.count(b"\n", self._counted, offset)
            self._counted = offset
        return self._lines_before
