"""Read the log of a node."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_POLL_S = 0.2


def last_lines(log: Path, count: int) -> list[str]:
    """The last lines without line ends; empty if there is no log."""
    try:
        with log.open("rb") as file:
            return [_text(line) for line in deque(file, maxlen=count)]
    except FileNotFoundError:
        return []


def follow(log: Path, count: int) -> Iterator[str]:
    """Yield the last lines, then new lines as they are written, forever.

    Continues with the new file when the node is restarted.

    Raises:
        FileNotFoundError: there is no log.
    """
    last: int | None = count
    while True:
        yield from _follow_file(log, last)
        last = None


def _follow_file(log: Path, count: int | None) -> Iterator[str]:
    """Follow a file until another one replaces it; a `count` of None starts at its first line."""
    with log.open("rb") as file:
        unfinished = b""
        for line in deque(file, maxlen=count):
            if line.endswith(b"\n"):
                yield _text(line)
            else:
                unfinished = line
        while True:
            replaced = not _is_same(log, file)
            for line in file:
                unfinished += line
                if unfinished.endswith(b"\n"):
                    yield _text(unfinished)
                    unfinished = b""
            if replaced:
                return
            time.sleep(_POLL_S)


def _is_same(log: Path, file: BinaryIO) -> bool:
    """Whether the path still refers to `file`, or to nothing."""
    try:
        return os.path.samestat(log.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return True


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
