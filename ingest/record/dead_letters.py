"""Rejected rows, stored with the reason so that they can be corrected and loaded again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson

from es_hybrid.errors import RowError
from es_hybrid.files import drop_half_line, locked_for_appending, replace_file, sync, writable
from ingest.sources import Row

_REMEDY = "choose another file with --dead-letters"


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected row.

    Attributes:
        stage: Where it was rejected: `read`, `clean`, `embed` or `bulk`.
        version: Version of the row: loaded again, it never overwrites a later row.
    """

    row: Row
    problem: RowError
    id: str
    stage: str
    version: int

    @property
    def key(self) -> tuple[str, int]:
        """Unique among letters: versions of a feed may repeat, places do not."""
        return self.row.place, self.version

    def encoded(self, index: str) -> bytes:
        """The letter as a line of the file.

        `row` is the row as in its source, or the beginning of its text if it could not be read.
        """
        entry = {
            "time": datetime.now(UTC).isoformat(timespec="seconds"),
            "index": index,
            "place": self.row.place,
            "id": self.id,
            "stage": self.stage,
            "field": self.problem.field,
            "reason": self.problem.message,
            "remedy": self.problem.remedy,
            "version": self.version,
            "row": self.row.raw if self.row.problem else self.row.values,
        }
        try:
            return orjson.dumps(entry, default=str, option=orjson.OPT_NON_STR_KEYS) + b"\n"
        except TypeError:
            # orjson refuses lone surrogates and integers over 64 bits.
            return json.dumps(entry, default=str).encode() + b"\n"


class LetterBox(Protocol):
    """Where a load puts its dead letters."""

    @property
    def size(self) -> int:
        """Length of the file in bytes."""

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Add letters; they are durable when this returns."""


class DeadLetters:
    """A file of JSON lines, one per rejected row; see `DeadLetter.encoded`.

    Created with the first rejection, readable by its owner alone (0600). Later loads append to it,
    also several at once.

    A load writes the letters of a slice to disk and then records in its ledger that the slice is
    done and how long the file is. If it is killed in between, the resumed load finds the letters
    past that length and does not write them twice.

    Args:
        index: The index that the rows were meant for.
        known_bytes: Length of the file according to the ledger; None for a new load.
    """

    def __init__(self, path: Path, *, index: str, known_bytes: int | None = None) -> None:
        self.path = path
        self._index = index
        self._there = _keys(path, start=known_bytes) if known_bytes is not None else set()

    @property
    def size(self) -> int:
        """Length of the file in bytes."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Add letters; they are on disk when this returns.

        Raises:
            StorageError: the file cannot be written.
        """
        new = [letter for letter in letters if letter.key not in self._there]
        if not new:
            return
        with writable(self.path, remedy=_REMEDY), locked_for_appending(self.path) as file:
            drop_half_line(file)  # a resumed load adds its letter again
            file.write(b"".join(letter.encoded(self._index) for letter in new))
            sync(file)


def replace_lines(path: Path, replaced: Mapping[bytes, bytes]) -> None:
    """Replace or remove lines of the file; what a load adds meanwhile stays. Atomic.

    Args:
        replaced: Line -> its replacement; empty to remove it.

    Raises:
        StorageError: the file cannot be written.
    """
    with writable(path, remedy=_REMEDY), locked_for_appending(path):
        lines = path.read_bytes().splitlines(keepends=True)
        replace_file(path, b"".join(replaced.get(line, line) for line in lines))


def _keys(path: Path, *, start: int) -> set[tuple[str, int]]:
    """The keys of the complete letters from an offset on."""
    if not path.exists():
        return set()
    with path.open("rb") as file:
        file.seek(start)
        entries = [json.loads(line) for line in file if line.endswith(b"\n")]
    return {(entry["place"], entry["version"]) for entry in entries}
