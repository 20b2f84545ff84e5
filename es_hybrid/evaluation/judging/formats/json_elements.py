"""Elements of an array somewhere in a JSON document, one after another."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judging.formats.text import opened

_CHUNK = 1 << 16
# Characters of one element, such as a query with all its ratings.
_LONGEST = 32_000_000
_DECODER = json.JSONDecoder()
_SPACE = re.compile(r"[\s,]*")


def elements(path: Path, name: str) -> Iterator[tuple[str, Any]]:
    """(`file:line` where it starts, element) of every array under this name, at any depth.

    Raises:
        EvaluationError: the file cannot be read or is not JSON from some line on, or has no such
            array.
    """
    text = _Text(path)
    start = re.compile(rf'(?<!\\)"{re.escape(name)}"\s*:\s*\[')
    found = False
    while text.skip_past(start):
        found = True
        yield from text.array()
    if not found:
        raise EvaluationError(
            f"has no list {name!r}", place=str(path), remedy="check the format of the file"
        )


class _Text:
    """The unread part of a file: what was decoded of it so far, and the line that it starts at."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._chunks = _chunks(path)
        self._unread = ""
        self._line = 1

    def skip_past(self, pattern: re.Pattern[str]) -> bool:
        """Drop everything up to the end of the first match; False if there is none."""
        while (match := pattern.search(self._unread)) is None:
            # A match may begin at the end of what was read.
            self._drop(max(len(self._unread) - 200, 0))
            if not self._more():
                return False
        self._drop(match.end())
        return True

    def array(self) -> Iterator[tuple[str, Any]]:
        """The elements up to the closing bracket."""
        while True:
            self._drop_space()
            if self._unread.startswith("]"):
                return
            yield f"{self._path}:{self._line}", self._element()

    def _element(self) -> Any:
        while True:
            try:
                value, end = _DECODER.raw_decode(self._unread)
            except (ValueError, RecursionError):
                value, end = None, len(self._unread)
            # A number that ends where the text ends may go on in the next chunk.
            if end < len(self._unread):
                self._drop(end)
                return value
            if len(self._unread) > _LONGEST or not self._more():
                raise EvaluationError(
                    "not JSON from here on",
                    place=f"{self._path}:{self._line}",
                    remedy="correct or export the file again",
                )

    def _drop_space(self) -> None:
        while True:
            match = _SPACE.match(self._unread)
            self._drop(match.end() if match else 0)
            if self._unread or not self._more():
                return

    def _drop(self, count: int) -> None:
        self._line += self._unread.count("\n", 0, count)
        self._unread = self._unread[count:]

    def _more(self) -> bool:
        # Each try reads as much again as there is: a long element is not decoded for every chunk.
        wanted = max(len(self._unread), 1)
        parts = [self._unread]
        while wanted > 0 and (chunk := next(self._chunks, "")):
            parts.append(chunk)
            wanted -= len(chunk)
        self._unread = "".join(parts)
        return len(parts) > 1


def _chunks(path: Path) -> Iterator[str]:
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    with opened(path) as file:
        try:
            while data := file.read(_CHUNK):
                if text := decoder.decode(data):
                    yield text
        except UnicodeDecodeError:
            raise EvaluationError(
                "not UTF-8", place=str(path), remedy="save the file as UTF-8"
            ) from None
