"""Rows that wait for other rows of the same product."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator

from ingest.sources.source import Row

_CACHE_KIB = 32 * 1024


class Shelf:
    """Rows by kind and key, in a temporary file: at most 32 MiB of them are in memory.

    The file takes at most the space of the feed, uncompressed.
    """

    def __init__(self) -> None:
        # A nameless file: SQLite deletes it when it is closed or the process dies.
        self._file = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._file.executescript(
            f"PRAGMA journal_mode = OFF; PRAGMA cache_size = -{_CACHE_KIB};"
            "CREATE TABLE rows (kind TEXT, key TEXT, place TEXT, skipped TEXT, content TEXT);"
            "CREATE INDEX by_key ON rows (kind, key)"
        )

    def put(self, kind: str, key: str, row: Row) -> None:
        """Add a row."""
        self._file.execute(
            "INSERT INTO rows VALUES (?, ?, ?, ?, ?)",
            (kind, *map(_storable, (key, row.place)), row.skipped, json.dumps(row.values)),
        )

    def get(self, kind: str, key: str) -> Row | None:
        """The newest row of a key."""
        found = self._file.execute(
            "SELECT place, skipped, content FROM rows WHERE kind = ? AND key = ? "
            "ORDER BY rowid DESC LIMIT 1",
            (kind, _storable(key)),
        ).fetchone()
        return _row(*found) if found else None

    def take(self, kind: str, key: str) -> list[Row]:
        """Remove the rows of a key and return them, oldest first."""
        asked = (kind, _storable(key))
        where = "FROM rows WHERE kind = ? AND key = ?"
        found = self._file.execute(
            f"SELECT place, skipped, content {where} ORDER BY rowid", asked
        ).fetchall()
        if found:
            self._file.execute(f"DELETE {where}", asked)
        return [_row(*each) for each in found]

    def rest(self, kind: str) -> Iterator[Row]:
        """The rows of a kind that were not taken, oldest first."""
        found = self._file.execute(
            "SELECT place, skipped, content FROM rows WHERE kind = ? ORDER BY rowid", (kind,)
        )
        return (_row(*each) for each in found)

    def close(self) -> None:
        """Delete the file."""
        self._file.close()


def _row(place: str, skipped: str, content: str) -> Row:
    return Row(json.loads(place), json.loads(content), skipped=skipped)


def _storable(text: str) -> str:
    """As JSON, because file names and cells may hold lone surrogates, which SQLite refuses."""
    return json.dumps(text)
