"""Rejected rows, kept with the reason so that they can be corrected and loaded again."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import orjson

from es_hybrid.errors import RowError, SettingsError
from ingest.sources import Row

# Bytes read at once while looking for the end of the last whole line.
_BLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One rejected row.

    Attributes:
        stage: Where it was rejected: `read`, `clean`, `embed` or `bulk`.
        version: Of the row, so that loading it again never overwrites what came later.
    """

    row: Row
    problem: RowError
    id: str
    stage: str
    version: int

    @property
    def key(self) -> tuple[str, int]:
        """Tells it from every other: a feed's own versions may repeat, its places do not."""
        return self.row.place, self.version

    def encoded(self, index: str) -> bytes:
        """As a line of the file.

        `row` is the row as its source has it, or the beginning of its text where it could not be
        read.
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
            # orjson refuses lone surrogates and numbers over 64 bits; a dead letter must hold them.
            return json.dumps(entry, default=str).encode() + b"\n"


class LetterBox(Protocol):
    """Where a load puts its dead letters."""

    @property
    def size(self) -> int:
        """Bytes of the file they go to."""

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Add letters; they are safe when this returns."""


class DeadLetters:
    """A file of JSON lines, one a rejected row; `DeadLetter.encoded` says what stands in them.

    Made with the first rejection, readable by its owner only (0600). A later load appends:
    nothing that was set aside is lost before someone has looked at it. Several loads may write
    to one file.

    A load writes the letters of a shard, has them on disk, and only then notes in its ledger that
    the shard is done and how long the file is. Killed between the two it finds them again behind
    that offset when it is resumed, and does not write them twice.

    Args:
        index: That the rows were meant for.
        known_bytes: Up to where the ledger knows the file; None for a load that begins.
    """

    def __init__(self, path: Path, *, index: str, known_bytes: int | None = None) -> None:
        self.path = path
        self._index = index
        self._there = _keys(path, behind=known_bytes) if known_bytes is not None else set()

    @property
    def size(self) -> int:
        """Bytes of the file."""
        return self.path.stat().st_size if self.path.exists() else 0

    def append(self, letters: Iterable[DeadLetter]) -> None:
        """Add letters; they are on the disk when this returns.

        Raises:
            SettingsError: the file cannot be written.
        """
        new = [letter for letter in letters if letter.key not in self._there]
        if not new:
            return
        with locked(self.path) as descriptor:
            _drop_half_line(descriptor)
            _write_all(descriptor, b"".join(letter.encoded(self._index) for letter in new))
            os.fsync(descriptor)


def replace_lines(path: Path, replaced: Mapping[bytes, bytes]) -> None:
    """Put other lines, or none, in the place of some; what a load adds meanwhile stays.

    Atomic: whoever reads the file, also after a crash, finds the old or the new one.

    Args:
        replaced: Line -> what stands there from now on; empty to take it out.

    Raises:
        SettingsError: the file cannot be written.
    """
    with locked(path):
        kept = (replaced.get(line, line) for line in path.read_bytes().splitlines(keepends=True))
        new = path.with_name(f".{path.name}.new")
        new.unlink(missing_ok=True)
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _write_all(descriptor, b"".join(kept))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        new.replace(path)
        _sync_folder(path)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[int]:
    """The file, made if need be, opened to append, for nobody else as long as the block runs."""
    with _writable(path):
        while True:
            is_new = not path.exists()
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                # Whoever held the lock before may have put another file in its place.
                if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                    if is_new:
                        _sync_folder(path)
                    yield descriptor
                    return
            finally:
                os.close(descriptor)


@contextlib.contextmanager
def _writable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"rejected rows cannot be written: {error.strerror}",
            place=str(path),
            remedy="name another file with --dead-letters",
        ) from None


def _write_all(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def _drop_half_line(descriptor: int) -> None:
    """Cut off what a killed load left of a letter: it is written anew when the load goes on."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, end)


def _sync_folder(path: Path) -> None:
    """A file's name is durable only when its folder is."""
    descriptor = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _keys(path: Path, *, behind: int) -> set[tuple[str, int]]:
    """Of the whole letters behind an offset."""
    if not path.exists():
        return set()
    with path.open("rb") as file:
        file.seek(behind)
        entries = [json.loads(line) for line in file if line.endswith(b"\n")]
    return {(entry["place"], entry["version"]) for entry in entries}
