"""The SQLite file of an alignment: products, pairs, decisions and groups.

One file contains one alignment. Only its owner can read it, because it contains product data and
names of people. Each call opens its own connection, so that several threads and processes can use
the file; SQLite does the locking.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from es_hybrid.errors import AlignError

__all__ = ["connected", "make_store", "now", "writing"]

_VERSION = 1
# Seconds that a writer waits for another writer.
_PATIENCE = 30.0

# A run resumes from `done` and `candidates`; `vectors` avoids embedding twice. `pairs` contains the
# decisions of the scores only. People's decisions are joined to it, so that undoing one restores
# the decision of the scores.
_SCHEMA = """
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE products (
    side TEXT NOT NULL, id TEXT NOT NULL, title TEXT NOT NULL, lang TEXT NOT NULL,
    fields TEXT NOT NULL, PRIMARY KEY (side, id)) WITHOUT ROWID;
CREATE TABLE pairs (
    left_id TEXT NOT NULL, right_id TEXT NOT NULL, category TEXT NOT NULL, score REAL NOT NULL,
    decision TEXT NOT NULL, rule TEXT NOT NULL, scorer TEXT NOT NULL, instruction TEXT NOT NULL,
    model TEXT NOT NULL, stages TEXT NOT NULL, time TEXT NOT NULL,
    PRIMARY KEY (left_id, right_id)) WITHOUT ROWID;
CREATE INDEX pairs_queue ON pairs (decision, score);
CREATE TABLE done (left_id TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE candidates (
    left_id TEXT NOT NULL, right_id TEXT NOT NULL, cosine REAL NOT NULL, stages TEXT NOT NULL,
    rerank REAL, PRIMARY KEY (left_id, right_id)) WITHOUT ROWID;
CREATE TABLE vectors (
    model TEXT NOT NULL, hash TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (model, hash)
    ) WITHOUT ROWID;
CREATE TABLE decisions (
    id INTEGER PRIMARY KEY, left_id TEXT NOT NULL, right_id TEXT NOT NULL, accept INTEGER NOT NULL,
    person TEXT NOT NULL, reason TEXT NOT NULL, time TEXT NOT NULL,
    undone_by TEXT NOT NULL DEFAULT '', undone_at TEXT NOT NULL DEFAULT '');
CREATE INDEX decisions_pair ON decisions (left_id, right_id);
CREATE TABLE groups (
    side TEXT NOT NULL, id TEXT NOT NULL, group_id TEXT NOT NULL, PRIMARY KEY (side, id))
    WITHOUT ROWID;
CREATE INDEX groups_group ON groups (group_id);
"""


def make_store(path: Path) -> None:
    """Create the file and its folder, or check that an existing file is an alignment.

    Raises:
        AlignError: it cannot be created, or is not an alignment.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
    except OSError as error:
        raise AlignError(
            f"cannot be written: {error.strerror}", place=str(path), remedy="choose another --store"
        ) from None
    with _opened(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("BEGIN IMMEDIATE")  # if two start at once, one creates the tables
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if not version and not tables:
            for statement in _SCHEMA.split(";"):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif version != _VERSION:
            raise _foreign(path)
        connection.execute("COMMIT")


@contextlib.contextmanager
def connected(path: Path, *, write: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection for one transaction: committed at the end, rolled back on an error.

    Args:
        write: Whether to take the write lock at once. A transaction that reads first may be refused
            the lock later.

    Raises:
        AlignError: no such file, not an alignment, or SQLite cannot read or write it.
    """
    if not path.is_file():
        raise AlignError(
            "there is no alignment", place=str(path), remedy="create it with: es-hybrid align run"
        )
    with _opened(path) as connection:
        if connection.execute("PRAGMA user_version").fetchone() != (_VERSION,):
            raise _foreign(path)
        connection.execute("BEGIN IMMEDIATE" if write else "BEGIN")
        yield connection
        connection.execute("COMMIT")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection; closing it rolls back uncommitted changes."""
    try:
        connection = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
        with contextlib.closing(connection):
            yield connection
    except sqlite3.Error as error:
        raise AlignError(
            f"SQLite: {error}", place=str(path), remedy="check the disk, or choose another --store"
        ) from None


@contextlib.contextmanager
def writing(target: Path) -> Iterator[None]:
    """Turn errors of writing an output file into `AlignError`s."""
    try:
        yield
    except OSError as error:
        raise AlignError(
            f"cannot be written: {error.strerror}", place=str(target), remedy="choose another file"
        ) from None


def now() -> str:
    """The current time in the format of the records."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _foreign(path: Path) -> AlignError:
    return AlignError(
        "not an alignment, or one of another version",
        place=str(path),
        remedy="choose another --store",
    )
