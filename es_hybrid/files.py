"""Locks that end with their process, and files that a crash leaves whole.

No library does both: filelock has no shared lock, so nothing could look at a lock without taking
it, and it does not let a child process inherit one.
"""

from __future__ import annotations

import contextlib
import math
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from es_hybrid.errors import StorageError

# Windows locks bytes and lets no other process read a locked one; this one is past any content.
_LOCKED_BYTE = 2**31 - 2
_POLL_S = 0.02
# Bytes read at once when looking for the end of the last whole line.
_BLOCK = 64 * 1024


def lock(descriptor: int, *, shared: bool = False, wait_s: float = 0.0) -> bool:
    """Lock an open file until its last descriptor is closed, also by the death of the process.

    Args:
        shared: Several processes may hold the lock; on Windows only one.
        wait_s: Seconds to wait while another process holds the lock.

    Returns:
        False if another process still holds the lock.
    """
    deadline = time.monotonic() + wait_s
    while not _try_lock(descriptor, shared=shared):
        if time.monotonic() >= deadline:
            return False
        time.sleep(_POLL_S)
    return True


def _try_lock(descriptor: int, *, shared: bool) -> bool:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
        return True
    import fcntl

    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock of a file now; False if there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        # Shared: two processes that look at the same time must not see each other's lock.
        return not lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def writable(path: Path, *, remedy: str) -> Iterator[None]:
    """Translate what keeps a file from being written to an error with a remedy.

    Raises:
        StorageError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"cannot be written: {error.strerror}", place=str(path), remedy=remedy
        ) from None


@contextlib.contextmanager
def locked_for_appending(path: Path) -> Iterator[BinaryIO]:
    """Open a file, create it (0600) if needed, and hold its lock; waits for the lock."""
    while True:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a+b") as file:
            lock(descriptor, wait_s=math.inf)
            # The previous holder of the lock may have replaced the file.
            if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
                if is_new:
                    sync_folder(path.parent)
                yield file
                return


def drop_half_line(file: BinaryIO) -> None:
    """Cut off the last line if a killed process left it unfinished."""
    length = end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _BLOCK)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end != length:
        file.truncate(end)


def replace_file(path: Path, content: bytes) -> None:
    """Replace a file's content atomically; see `replacing`."""
    with replacing(path) as file:
        file.write(content)


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A new content for a file, on disk when the block ends; its owner alone may read it.

    A reader finds the old content or the new one, also after a crash. After an exception in the
    block it is the old one.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            yield file
            sync(file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    sync_folder(path.parent)


def sync(file: BinaryIO) -> None:
    """Return once what was written to a file is on disk."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the names in a folder durable. Windows cannot sync a folder."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
