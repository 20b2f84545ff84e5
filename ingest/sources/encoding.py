"""Text in other encodings than UTF-8: UTF-16 and UTF-32 are converted, Windows-1252 is recognized.

Spreadsheets save CSV in the encoding of their country. Windows-1252 is read if its letters are
those of Western European languages in words; any other encoding would turn into wrong letters, so
it is left to the user to name it.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Callable, Iterator
from itertools import chain
from typing import BinaryIO, cast

from es_hybrid.errors import SourceError
from ingest.sources.opening import Line, head_of, not_utf8

# UTF-32 first: its little-endian mark begins with that of UTF-16.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_CHUNK_BYTES = 1 << 18
# Bytes read ahead from the first line that is not UTF-8, to see whether others are.
_AHEAD_BYTES = 1 << 20
# In a file of fewer lines, one line in Windows-1252 is no accident.
_FEW_LINES = 100
# A file with more undecodable lines than one in so many is not UTF-8 with some damage.
_DAMAGED_LINES = 10

# Bytes that are not text, as `surrogateescape` decodes them (PEP 383).
_NOT_TEXT = re.compile("[\udc80-\udcff]")
_LETTERS = "ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜŒßàáâãäåæçèéêëìíîïñòóôõöøùúûüœ"
_SIGNS = "€‚„…‹›‘’“”•–—™©®°±²³µ·¹º»¼½¾¿×÷¡£§ª«´\u00a0\u00ad"
_WESTERN = re.compile(f"[\x00-\x7f{_LETTERS}{_SIGNS}]*")
# What other 8-bit encodings look like when they are read as Windows-1252: signs inside words
# (Polish), three foreign letters in a row (Cyrillic, Greek, Chinese), the Hungarian ő as õ, and
# Czech letters that no Western language has together.
_SIGN_IN_WORD = re.compile(f"[a-z{_LETTERS}][ª²³µ¹º¼½¾¿¡£§±×÷][a-z{_LETTERS}]")
_FOREIGN_RUN = re.compile(f"[{_LETTERS}ª²³µ¹º»¼½¾¿¡£§±×÷°·´«]{{3}}")
_NOT_PORTUGUESE = re.compile("õ(?!e)")


def as_utf8(stream: BinaryIO, place: str, say: Callable[[str], None]) -> BinaryIO:
    """The stream converted to UTF-8 if it is UTF-16 or UTF-32, else the stream itself.

    Both are recognized by their byte order mark, UTF-16 also by a NUL in its first character.
    """
    head = head_of(stream)[:4]
    encoding = next((name for mark, name in _MARKS if head.startswith(mark)), "")
    if not encoding and b"\0" in head[:2]:  # no text starts with NUL
        encoding = "utf-16-le" if head[1:2] == b"\0" else "utf-16-be"
    if not encoding:
        return stream
    say(f"{place}: read as {encoding[:6].upper()}")
    return cast("BinaryIO", io.BufferedReader(_Converted(stream, encoding, place), _CHUNK_BYTES))


class DecodedLines:
    """The texts of lines in UTF-8, or in Windows-1252 if that is what they are.

    Attributes:
        damaged: Whether a line so far contains bytes that are not text; they become lone
            surrogates, which `is_damaged` finds.
    """

    def __init__(self, lines: Iterator[Line], place: str, say: Callable[[str], None]) -> None:
        self._lines, self._place, self._say = lines, place, say
        self.damaged = False

    def __iter__(self) -> Iterator[str]:
        """The texts.

        Raises:
            SourceError: the file is in another encoding.
        """
        seen_utf8 = False
        for line in self._lines:
            try:
                text = line.content.decode()
            except UnicodeDecodeError as error:
                yield from self._others(line, error, seen_utf8)
                return
            seen_utf8 = seen_utf8 or len(text) < len(line.content)
            yield text

    def _others(self, first: Line, error: UnicodeDecodeError, seen_utf8: bool) -> Iterator[str]:
        """The texts from the first line on that is not UTF-8."""
        ahead = [first]
        if not seen_utf8:
            ahead += _read_ahead(self._lines)
        fallback = "utf-8" if seen_utf8 else self._fallback(ahead, error)
        for line in chain(ahead, self._lines):
            try:
                yield line.content.decode()
            except UnicodeDecodeError:
                text = line.content.decode(fallback, "surrogateescape")
                self.damaged = self.damaged or is_damaged(text)
                yield text

    def _fallback(self, ahead: list[Line], error: UnicodeDecodeError) -> str:
        """The encoding of the lines that are not UTF-8. All lines before `ahead` are ASCII."""
        foreign = [line.content for line in ahead if not _is_utf8(line.content)]
        others = (line.content for line in ahead if not line.content.isascii())
        total = ahead[-1].number
        if sum(1 for _ in others) > len(foreign):
            return "utf-8"
        if (len(foreign) > 1 or total < _FEW_LINES) and _is_western(b"".join(foreign)):
            self._say(f"{self._place}: read as Windows-1252, because it is not UTF-8")
            return "cp1252"
        if len(foreign) > max(total / _DAMAGED_LINES, 1):
            raise not_utf8(self._place, ahead[0], error)
        return "utf-8"


def is_damaged(text: str) -> bool:
    """Whether a text contains bytes that could not be decoded."""
    return _NOT_TEXT.search(text) is not None


def first_damage(text: str) -> str:
    """The first byte in a text that could not be decoded, e.g. `0xe9`."""
    found = _NOT_TEXT.search(text)
    return f"0x{ord(found[0]) - 0xDC00:02x}" if found else ""


def _read_ahead(lines: Iterator[Line]) -> Iterator[Line]:
    size = 0
    while size < _AHEAD_BYTES and (line := next(lines, None)):
        size += len(line.content)
        yield line


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_western(content: bytes) -> bool:
    """Whether this is Windows-1252 in a Western European language."""
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        return False
    czech = "ø" in text and not {"ì", "ù", "è", "ò"}.isdisjoint(text)
    return (
        _WESTERN.fullmatch(text) is not None
        and not czech
        and not any(p.search(text) for p in (_SIGN_IN_WORD, _FOREIGN_RUN, _NOT_PORTUGUESE))
    )


class _Converted(io.RawIOBase):
    """A stream in UTF-16 or UTF-32 as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str, place: str) -> None:
        self._stream, self._encoding, self._place = stream, encoding, place
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        # A character of two bytes in UTF-16 has up to three in UTF-8.
        converted = b""
        while not converted:
            chunk = self._stream.read(max(len(buffer) // 3, 1))
            converted = self._decoded(chunk).encode()
            if not chunk:
                break
        buffer[: len(converted)] = converted
        return len(converted)

    def _decoded(self, chunk: bytes) -> str:
        try:
            return self._decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            raise SourceError(
                f"not {self._encoding[:6].upper()}, which its first bytes show: {error.reason}",
                place=self._place,
                remedy="create or copy the file again",
            ) from None
