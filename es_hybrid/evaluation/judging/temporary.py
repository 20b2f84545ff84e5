"""A place for what may not fit into memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager

# What stays in memory.
_CACHE_KIB = 32_768


@contextmanager
def temporary_database(*tables: str) -> Iterator[sqlite3.Connection]:
    """A SQLite database in a nameless file, gone when it is closed or the process dies.

    Args:
        tables: Name and columns of each, as behind `CREATE TABLE`.
    """
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        for setting in ("synchronous = OFF", "journal_mode = OFF", f"cache_size = -{_CACHE_KIB}"):
            database.execute(f"PRAGMA {setting}")
        for table in tables:
            database.execute(f"CREATE TABLE {table}")
        database.execute("BEGIN")  # or every row would be a transaction
        yield database
