"""Finds duplicate ids in a feed of any size."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from types import TracebackType
from typing import Self

_BUFFERED = 10_000
_SHOWN = 5
_SHOWN_PLACES = 3


@dataclass(frozen=True, slots=True)
class DuplicateId:
    """One id and the places where it occurs."""

    id: str
    places: tuple[str, ...]


class SeenIds:
    """Ids in a temporary file, because a hundred million do not fit into memory."""

    def __init__(self) -> None:
        # A nameless file: SQLite deletes it when it is closed or the process dies.
        self._file = sqlite3.connect("")
        self._file.execute("PRAGMA journal_mode = OFF")
        self._file.execute("CREATE TABLE seen (id TEXT, place BLOB)")
        self._buffer: list[tuple[str, bytes]] = []

    def add(self, id_: str, place: str) -> None:
        """Record an id and its place."""
        # A file name may not be valid Unicode.
        self._buffer.append((id_, place.encode(errors="surrogateescape")))
        if len(self._buffer) >= _BUFFERED:
            self._flush()

    def duplicates(self) -> tuple[int, list[DuplicateId]]:
        """The number of rows beyond the first of their id, and some ids with their places."""
        self._flush()
        self._file.execute(
            "CREATE TEMP TABLE twice AS SELECT id, count(*) - 1 AS more, min(rowid) AS first "
            "FROM seen GROUP BY id HAVING count(*) > 1"
        )
        repeated = self._file.execute("SELECT coalesce(sum(more), 0) FROM twice").fetchone()[0]
        ids = self._file.execute("SELECT id FROM twice ORDER BY first LIMIT ?", (_SHOWN,))
        return int(repeated), [DuplicateId(id_, self._places(id_)) for (id_,) in ids.fetchall()]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.close()

    def _places(self, id_: str) -> tuple[str, ...]:
        places = self._file.execute(
            "SELECT place FROM seen WHERE id = ? ORDER BY rowid LIMIT ?", (id_, _SHOWN_PLACES)
        )
        return tuple(place.decode(errors="backslashreplace") for (place,) in places)

    def _flush(self) -> None:
        self._file.executemany("INSERT INTO seen VALUES (?, ?)", self._buffer)
        self._buffer.clear()
