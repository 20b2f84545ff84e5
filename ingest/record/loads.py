"""The loads of a ledger folder: the lock of an index, finding a load, pruning old ones."""

from __future__ import annotations

import contextlib
import json
import logging
import os
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from es_hybrid import files
from es_hybrid.errors import IndexStateError, StorageError
from ingest.record.ledger import SUFFIX, Ledger, LoadFacts

logger = logging.getLogger(__name__)

# Ledgers of finished loads that are kept per index: a replay looks up later rows in them.
_KEPT = 10

LOAD, REPLAY = "load", "replay"


@contextlib.contextmanager
def lock_index(folder: Path, index: str) -> Iterator[None]:
    """Allow one load of an index at a time: hold its lock inside the block.

    Args:
        folder: The ledger folder; created if needed.

    Raises:
        IndexStateError: another process holds the lock.
        StorageError: the folder cannot be written.
    """
    path = _lock_path(folder, index)
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}",
            place=str(path.parent),
            remedy="set ingest.ledger_dir to a writable folder",
        ) from None
    with os.fdopen(descriptor, "r+b") as file:
        if not files.lock(descriptor):
            raise IndexStateError(
                f"locked by {_holder(path)}",
                place=f"index {index}",
                remedy="wait for it or stop it; `es-hybrid ingest status` shows its progress",
            )
        since = datetime.now(UTC).isoformat(timespec="seconds")
        file.truncate(0)
        file.write(json.dumps({"process": os.getpid(), "since": since}).encode())
        file.flush()
        yield


def is_locked(folder: Path, index: str) -> bool:
    """Whether a load of an index is running."""
    return files.is_locked(_lock_path(folder, index))


def _lock_path(folder: Path, index: str) -> Path:
    return folder / f"{quote(index, safe='')}.lock"


def _holder(path: Path) -> str:
    """`process 4711 since 2026-11-21T10:00:00+00:00`."""
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['process']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"


def new_path(folder: Path, index: str) -> Path:
    """The path of a new ledger: `products-20261121T101500.123Z.sqlite`."""
    moment = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    return folder / f"{quote(index, safe='')}-{moment}Z{SUFFIX}"


def find_load(folder: Path, name: str | None, *, unfinished: bool = False) -> Path:
    """The ledger of a load.

    Args:
        name: As `ingest status` shows it, or a path; None for the newest load.
        unfinished: Without a name, the newest unfinished load.

    Raises:
        IndexStateError: there is no such load.
    """
    if name is not None:
        for path in (folder / f"{name}{SUFFIX}", Path(name)):
            if path.is_file():
                return path
        raise IndexStateError(
            "no such load", place=name, remedy="`es-hybrid ingest status` shows the newest load"
        )
    for path in _newest_first(folder):
        with Ledger(path) as ledger:
            if ledger.facts.kind == LOAD and not (unfinished and ledger.finished):
                return path
    what = "no unfinished load" if unfinished else "no load"
    raise IndexStateError(what, place=str(folder), remedy="start one with `es-hybrid ingest load`")


def check_newest(folder: Path, facts: LoadFacts) -> None:
    """Refuse to resume a load that is older than a finished one.

    Raises:
        IndexStateError: a newer load of the index has finished.
    """
    for path, ledger in ledgers_of(folder, facts.index):
        if ledger.facts.kind == LOAD and ledger.finished and ledger.facts.version > facts.version:
            raise IndexStateError(
                f"a newer load of the index has finished: {path.stem}",
                place=f"index {facts.index}",
                remedy="run `es-hybrid ingest load` with the files that the index should hold",
            )


def newest_versions(folder: Path, index: str, ids: Collection[str]) -> dict[str, int]:
    """Id -> the highest version that a load recorded for it; ids without a row are left out."""
    newest: dict[str, int] = {}
    for _, ledger in ledgers_of(folder, index):
        for id_ in ids:
            version = ledger.version_of(id_)
            if version is not None:
                newest[id_] = max(version, newest.get(id_, version))
    return newest


def prune(folder: Path, index: str) -> None:
    """Delete the ledgers of old finished loads."""
    finished = [path for path, ledger in ledgers_of(folder, index) if ledger.finished]
    for path in finished[_KEPT:]:
        path.unlink(missing_ok=True)


def ledgers_of(folder: Path, index: str) -> Iterator[tuple[Path, Ledger]]:
    """The ledgers of an index, newest first, each open until the next one is taken."""
    for path in _newest_first(folder):
        try:
            opened = Ledger(path)
        except IndexStateError as damaged:
            logger.warning("%s; ignored", damaged)
            continue
        with opened as ledger:
            if ledger.facts.index == index:
                yield path, ledger


def _newest_first(folder: Path) -> list[Path]:
    return sorted(
        folder.glob(f"*{SUFFIX}"), key=lambda path: path.stem.rpartition("-")[2], reverse=True
    )
