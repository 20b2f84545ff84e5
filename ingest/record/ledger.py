"""The ledger of a load: which shards are done, kept in one SQLite file.

A shard is done when all its rows have ended and its dead letters are on the disk; one transaction,
synced, says so. What is not in the ledger is done again when the load goes on, which writes
nothing twice: the rows that are stored already are found unchanged.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from es_hybrid.errors import IndexStateError, StorageError
from ingest.load.slices import ShardKey, ShardResult
from ingest.record.tally import COUNTS, Tally
from ingest.sources import Format

SUFFIX = ".sqlite"

_SCHEMA = f"""
CREATE TABLE facts (fact TEXT NOT NULL);
CREATE TABLE progress (
    dead_letters_bytes INTEGER NOT NULL, unnamed INTEGER NOT NULL, finished REAL
);
CREATE TABLE shards (
    source INTEGER NOT NULL, number INTEGER NOT NULL, ended REAL NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in COUNTS)},
    PRIMARY KEY (source, number)
) WITHOUT ROWID;
CREATE TABLE ids (id TEXT PRIMARY KEY, version INTEGER NOT NULL) WITHOUT ROWID;
"""


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source as it was when the load began.

    Attributes:
        fingerprint: Changes with its content; None where that cannot be told.
        estimate: About how many rows it has; None where that cannot be told.
    """

    path: str
    format: Format
    fingerprint: str | None
    estimate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """What a load is, and all that is needed to go on with it.

    Attributes:
        kind: A replay of dead letters is done again from its start, and never resumed.
        version: Of the row before the first; in microseconds since 1970, so that a later load
            always has the higher ones.
        shaping: The settings that decide what is made of a row, as JSON has them.
        mapping: Those of the command's --map.
    """

    index: str
    kind: str
    started: float
    version: int
    sources: tuple[SourceFacts, ...]
    shaping: Mapping[str, Any]
    mapping: Mapping[str, str]
    dead_letters: str
    delete_missing: bool
    reuse_vectors_from: str | None
    shard_rows: int
    first_rows: int

    @classmethod
    def read(cls, fact: str) -> LoadFacts:
        """As they were written."""
        values = orjson.loads(fact)
        sources = tuple(SourceFacts(**source) for source in values["sources"])
        return cls(**values | {"sources": sources})


class Ledger:
    """An open ledger. Used by one thread."""

    def __init__(self, path: Path) -> None:
        """Open one that is there.

        Raises:
            IndexStateError: the file is no ledger.
        """
        self.path = path
        try:
            self._db = sqlite3.connect(
                path.resolve().as_uri() + "?mode=rw", uri=True, isolation_level=None
            )
            # Every commit is on the disk before the next shard is begun.
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
            (fact,) = self._db.execute("SELECT fact FROM facts").fetchone()
            self.facts = LoadFacts.read(fact)
        except (sqlite3.Error, TypeError, orjson.JSONDecodeError) as error:
            raise IndexStateError(
                f"this is no ledger of a load ({error})",
                place=str(path),
                remedy="name one that `es-hybrid ingest status` shows, or load anew",
            ) from None

    @classmethod
    def create(cls, path: Path, facts: LoadFacts, *, dead_letters_bytes: int) -> Ledger:
        """Begin one, readable by its owner only. It is there as a whole or not at all.

        Raises:
            StorageError: it cannot be written.
        """
        with _writable(path):
            return cls._created(path, facts, dead_letters_bytes)

    @classmethod
    def _created(cls, path: Path, facts: LoadFacts, dead_letters_bytes: int) -> Ledger:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = path.with_name(f".{path.name}.new")
        os.close(os.open(new, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        with closing(sqlite3.connect(new)) as db, db:
            db.executescript(_SCHEMA)
            db.execute("INSERT INTO facts VALUES (?)", [orjson.dumps(asdict(facts)).decode()])
            db.execute("INSERT INTO progress VALUES (?, 0, NULL)", [dead_letters_bytes])
        new.rename(path)
        return cls(path)

    @property
    def done(self) -> set[ShardKey]:
        """The shards that are done."""
        return {ShardKey(*row) for row in self._db.execute("SELECT source, number FROM shards")}

    @property
    def dead_letters_bytes(self) -> int:
        """How long the file of dead letters was when the last shard was done."""
        return int(self._value("SELECT dead_letters_bytes FROM progress"))

    @property
    def unnamed(self) -> int:
        """Rejected rows of which it is unknown which product they are of."""
        return int(self._value("SELECT unnamed FROM progress"))

    @property
    def finished(self) -> float | None:
        """When the load was finished, in seconds since 1970."""
        moment: float | None = self._value("SELECT finished FROM progress")
        return moment

    def totals(self) -> Tally:
        """The counts of the shards that are done."""
        sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in COUNTS)
        row = self._db.execute(f"SELECT {sums} FROM shards").fetchone()
        return Tally(**dict(zip(COUNTS, row, strict=True)))

    def rate(self, window: float) -> float | None:
        """Rows a second over the last seconds in which shards ended; None for too few of them."""
        (last,) = self._db.execute("SELECT MAX(ended) FROM shards").fetchone()
        if last is None:
            return None
        recent = self._db.execute(
            "SELECT ended, rows FROM shards WHERE ended > ? ORDER BY ended", [last - window]
        ).fetchall()
        span = last - recent[0][0]
        # The rows of the first were worked on before it ended.
        return sum(rows for _, rows in recent[1:]) / span if span > 0 else None

    def finish_shard(self, result: ShardResult, *, dead_letters_bytes: int) -> None:
        """A shard is done; its dead letters are on the disk.

        Raises:
            StorageError: the ledger cannot be written, as on a full disk.
        """
        counts = [getattr(result.tally, name) for name in COUNTS]
        with _writable(self.path), self._transaction():
            marks = ", ".join("?" * (3 + len(counts)))
            self._db.execute(
                f"INSERT INTO shards VALUES ({marks})", [*result.shard, time.time(), *counts]
            )
            self._db.executemany(
                "INSERT INTO ids VALUES (?, ?) ON CONFLICT (id) "
                "DO UPDATE SET version = MAX(version, excluded.version)",
                result.ids.items(),
            )
            self._db.execute(
                "UPDATE progress SET dead_letters_bytes = ?, unnamed = unnamed + ?",
                [dead_letters_bytes, result.unnamed],
            )

    def forget(self, source: int) -> None:
        """A source that cannot be read the same way twice is read anew."""
        self._db.execute("DELETE FROM shards WHERE source = ?", [source])

    def finish(self) -> None:
        """The whole load is done."""
        self._db.execute("UPDATE progress SET finished = ?", [time.time()])

    def version_of(self, id_: str) -> int | None:
        """The version under which a row of this id was taken; None where none was."""
        row = self._db.execute("SELECT version FROM ids WHERE id = ?", [id_]).fetchone()
        return None if row is None else int(row[0])

    def knows(self, id_: str) -> bool:
        """Whether a row of this id came by, taken or not."""
        return self.version_of(id_) is not None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _value(self, query: str, *values: Any) -> Any:
        (value,) = self._db.execute(query, values).fetchone()
        return value

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # a full disk has ended it already
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


@contextmanager
def _writable(path: Path) -> Iterator[None]:
    """Turn what a disk or a folder refuses into a `StorageError`."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(
            f"the ledger cannot be written: {error}",
            place=str(path.parent),
            remedy="free disk space, or set ingest.ledger_dir to a writable folder",
        ) from None
