"""Lines of a text source, with bounds: encoding checked at the door, no line without an end."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from es_hybrid.errors import SourceError

# A product of 16 MiB is a broken file, not a product.
MAX_LINE_BYTES = 16 * 1024 * 1024

_BOMS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)


class Line(NamedTuple):
    """One line with its end of line; `cut` where it was longer than `MAX_LINE_BYTES`."""

    number: int
    offset: int
    content: bytes
    cut: bool


def read_lines(stream: BinaryIO, place: str) -> Iterator[Line]:
    """The lines of a file, a UTF-8 byte order mark left out. Of a line too long, the beginning.

    Raises:
        SourceError: the file is empty, or has the mark of another encoding.
    """
    number, offset = 0, 0
    while content := stream.readline(MAX_LINE_BYTES):
        number += 1
        start = offset
        offset += len(content)
        if number == 1:
            _check_mark(content, place)
            content = content.removeprefix(codecs.BOM_UTF8)
        cut = len(content) >= MAX_LINE_BYTES and not content.endswith(b"\n")
        if cut:
            while (rest := stream.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                offset += len(rest)
            offset += len(rest)
        yield Line(number, start, content, cut)
    if number == 0:
        raise SourceError("the file is empty", place=place, remedy="check how it was written")


def not_utf8(place: str, line: Line, error: UnicodeDecodeError) -> SourceError:
    """The error for a file of another encoding, with the position of the first wrong byte."""
    return SourceError(
        f"not UTF-8: byte {line.offset + error.start + 1} (line {line.number}) is "
        f"0x{line.content[error.start]:02x}",
        place=place,
        remedy="convert it: iconv -f ENCODING -t UTF-8",
    )


def _check_mark(content: bytes, place: str) -> None:
    name = next((name for mark, name in _BOMS if content.startswith(mark)), None)
    if name is None and b"\0" in content[:2]:  # UTF-16 without a mark: no text begins with NUL
        name = "UTF-16LE" if content[1:2] == b"\0" else "UTF-16BE"
    if name is not None:
        raise SourceError(
            f"the file is {name}, not UTF-8",
            place=place,
            remedy=f"convert it: iconv -f {name} -t UTF-8",
        )
