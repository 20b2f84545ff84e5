"""The ledger of a load: which slices are done, in one SQLite file.

A slice is done when all its rows have their verdict and its dead letters are on disk; one synced
transaction records that. Other slices are processed again when the load is resumed, which writes
nothing twice: rows that are stored already are found unchanged.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import orjson

from es_hybrid.errors import IndexStateError, StorageError
from ingest.record.result import SliceKey, SliceResult
from ingest.record.tally import COUNTS, Tally
from ingest.sources import Format

SUFFIX = ".sqlite"

# Counts up with the schema and the facts, so that a ledger of another release is recognised.
_FORMAT = 3
_SCHEMA = f"""
PRAGMA user_version = {_FORMAT};
CREATE TABLE facts (fact TEXT NOT NULL);
CREATE TABLE progress (
    dead_letters_bytes INTEGER NOT NULL, unnamed INTEGER NOT NULL, finished REAL
);
CREATE TABLE slices (
    source INTEGER NOT NULL, number INTEGER NOT NULL, ended REAL NOT NULL,
    {", ".join(f"{name} INTEGER NOT NULL" for name in COUNTS)},
    PRIMARY KEY (source, number)
) WITHOUT ROWID;
CREATE TABLE remarks (
    source INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, rows INTEGER NOT NULL,
    first TEXT NOT NULL, PRIMARY KEY (source, number, kind)
) WITHOUT ROWID;
CREATE TABLE ids (
    id TEXT PRIMARY KEY, version INTEGER NOT NULL, source INTEGER NOT NULL
) WITHOUT ROWID;
"""
# Source of an id whose row is read again.
_FORGOTTEN = -1


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source as it was when the load began.

    Attributes:
        fingerprint: Changes with the content; None if unknown.
        estimate: Approximate number of rows; None if unknown.
    """

    path: str
    format: Format
    fingerprint: str | None
    estimate: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadFacts:
    """What a load is, and all that is needed to resume it.

    Attributes:
        kind: `load` or `replay`; a replay is never resumed.
        started: Seconds since 1970.
        version: Version of the row before the first, in microseconds since 1970, so that a later
            load always has higher versions.
        shaping: The settings that decide what is made of a row, as JSON values.
        mapping: Field mapping of the command's --map.
        slice_rows: Rows of a slice.
        first_rows: Rows of the first slice.
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
    slice_rows: int
    first_rows: int

    @classmethod
    def read(cls, fact: str) -> LoadFacts:
        """Decode stored facts."""
        values = orjson.loads(fact)
        sources = tuple(SourceFacts(**source) for source in values["sources"])
        return cls(**values | {"sources": sources})


class Ledger:
    """An open ledger, for one thread."""

    def __init__(self, path: Path) -> None:
        """Open an existing ledger.

        Raises:
            IndexStateError: the file is not a ledger, or one of another release.
        """
        self.path = path
        try:
            self._db = sqlite3.connect(
                path.resolve().as_uri() + "?mode=rw", uri=True, isolation_level=None
            )
            # Every commit is on disk before the next slice begins.
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL")
            (fact,) = self._db.execute("SELECT fact FROM facts").fetchone()
            if self._value("PRAGMA user_version") != _FORMAT:
                raise IndexStateError(
                    "the ledger was written by another version of es-hybrid",
                    place=str(path),
                    remedy="if its load has not finished, load again; then delete the file",
                )
            self.facts = LoadFacts.read(fact)
        except (sqlite3.Error, TypeError, orjson.JSONDecodeError) as error:
            raise IndexStateError(
                f"not a ledger of a load ({error})",
                place=str(path),
                remedy="use a load that `es-hybrid ingest status` shows, or load again",
            ) from None

    @classmethod
    def create(cls, path: Path, facts: LoadFacts, *, dead_letters_bytes: int) -> Ledger:
        """Create a ledger atomically; its owner alone may read it.

        Raises:
            StorageError: it cannot be written.
        """
        with _writable(path):
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
    def done(self) -> set[SliceKey]:
        """The slices that are done."""
        return {SliceKey(*row) for row in self._db.execute("SELECT source, number FROM slices")}

    @property
    def dead_letters_bytes(self) -> int:
        """Length of the dead letter file when the last slice was done."""
        return int(self._value("SELECT dead_letters_bytes FROM progress"))

    @property
    def unnamed(self) -> int:
        """Rejected rows without a product id."""
        return int(self._value("SELECT unnamed FROM progress"))

    @property
    def finished(self) -> float | None:
        """When the load finished, in seconds since 1970."""
        moment: float | None = self._value("SELECT finished FROM progress")
        return moment

    def totals(self) -> Tally:
        """The counts of the slices that are done."""
        sums = ", ".join(f"COALESCE(SUM({name}), 0)" for name in COUNTS)
        row = self._db.execute(f"SELECT {sums} FROM slices").fetchone()  # nosec B608 # constants
        tally = Tally(**dict(zip(COUNTS, row, strict=True)))
        # Beside min(), SQLite takes the other columns from the row that has the minimum.
        for kind, rows, first, _ in self._db.execute(
            "SELECT kind, SUM(rows), first, MIN(source * 1e9 + number) FROM remarks GROUP BY kind"
        ):
            tally.remarks.add(kind, first, rows)
        return tally

    def rate(self, window: float) -> float | None:
        """Rows per second in the last `window` seconds of work; None for too few slices."""
        (last,) = self._db.execute("SELECT MAX(ended) FROM slices").fetchone()
        if last is None:
            return None
        recent = self._db.execute(
            "SELECT ended, rows FROM slices WHERE ended > ? ORDER BY ended", [last - window]
        ).fetchall()
        span = last - recent[0][0]
        # The rows of the first slice were processed before it ended.
        return sum(rows for _, rows in recent[1:]) / span if span > 0 else None

    def finish_slice(self, result: SliceResult, *, dead_letters_bytes: int) -> None:
        """Record that a slice is done, after its dead letters are on disk.

        Raises:
            StorageError: the ledger cannot be written, as on a full disk.
        """
        counts = [getattr(result.tally, name) for name in COUNTS]
        with _writable(self.path), self._transaction():
            marks = ", ".join("?" * (3 + len(counts)))
            self._db.execute(
                f"INSERT INTO slices VALUES ({marks})",  # nosec B608 # question marks
                [*result.key, time.time(), *counts],
            )
            self._db.executemany(
                "INSERT INTO remarks VALUES (?, ?, ?, ?, ?)",
                [
                    (*result.key, kind, remark.rows, remark.first)
                    for kind, remark in result.tally.remarks.items()
                ],
            )
            source = result.key.source
            self._db.executemany(
                "INSERT INTO ids VALUES (?, ?, ?) ON CONFLICT (id) DO UPDATE "
                "SET version = MAX(version, excluded.version), source = excluded.source",
                [(id_, version, source) for id_, version in result.ids.items()],
            )
            self._db.execute(
                "UPDATE progress SET dead_letters_bytes = ?, unnamed = unnamed + ?",
                [dead_letters_bytes, result.unnamed],
            )

    def forget(self, source: int) -> None:
        """Load a source again from its start, as its rows may come in another order."""
        self._db.execute("DELETE FROM slices WHERE source = ?", [source])
        self._db.execute("DELETE FROM remarks WHERE source = ?", [source])
        # The ids stay, since their documents do; but they do not make a row a repeated one.
        self._db.execute("UPDATE ids SET source = ? WHERE source = ?", [_FORGOTTEN, source])

    def finish(self) -> None:
        """Record that the whole load is done."""
        self._db.execute("UPDATE progress SET finished = ?", [time.time()])

    def version_of(self, id_: str) -> int | None:
        """The version of the row that was taken for an id, or `NOT_TAKEN`; None without a row."""
        row = self._db.execute("SELECT version FROM ids WHERE id = ?", [id_]).fetchone()
        return None if row is None else int(row[0])

    def taken(self, ids: Iterable[str]) -> list[str]:
        """Those of the ids of which a row was taken."""
        rows = self._db.execute(
            "SELECT ids.id FROM json_each(?) JOIN ids ON ids.id = value "
            "WHERE version >= 0 AND source >= 0",
            [orjson.dumps(list(ids)).decode()],
        )
        return [id_ for (id_,) in rows]

    def knows(self, id_: str) -> bool:
        """Whether the feed has a row of this id, taken or not."""
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

    def _value(self, query: str) -> Any:
        (value,) = self._db.execute(query).fetchone()
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
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        raise StorageError(
            f"the ledger cannot be written: {error}",
            place=str(path.parent),
            remedy="free disk space, or set ingest.ledger_dir to a writable folder",
        ) from None
