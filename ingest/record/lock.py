"""One load of an index at a time."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

from es_hybrid.errors import IndexStateError, SettingsError


@contextlib.contextmanager
def lock_index(folder: Path, index: str) -> Iterator[None]:
    """Hold the lock of an index through the block.

    The lock is the kernel's (`flock`): it is gone with its process, however that ends.

    Args:
        folder: Where the ledgers are; made if need be.

    Raises:
        IndexStateError: another process holds it.
        SettingsError: the folder cannot be written.
    """
    path = _path(folder, index)
    descriptor = _opened(path)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise IndexStateError(
                f"locked by {_holder(path)}",
                place=f"index {index}",
                remedy="wait for it, or stop it; `es-hybrid ingest status` shows how far it is",
            ) from None
        holder = {"process": os.getpid(), "since": datetime.now(UTC).isoformat(timespec="seconds")}
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, json.dumps(holder).encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_locked(folder: Path, index: str) -> bool:
    """Whether a process holds the lock of an index just now."""
    try:
        descriptor = os.open(_path(folder, index), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def _opened(path: Path) -> int:
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise SettingsError(
            f"cannot be written: {error.strerror}",
            place=str(path.parent),
            remedy="set ingest.ledger_dir to a folder that can be",
        ) from None


def _path(folder: Path, index: str) -> Path:
    return folder / f"{quote(index, safe='')}.lock"


def _holder(path: Path) -> str:
    """`process 4711 since 2026-11-21T10:00:00+00:00`."""
    try:
        holder = json.loads(path.read_bytes())
        return f"process {holder['process']} since {holder['since']}"
    except (OSError, ValueError, KeyError):
        return "another process"
