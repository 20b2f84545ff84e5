"""Files that loads write."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from es_hybrid.settings import Settings
from ingest.doctor.finding import Finding, failure, ok, warning
from ingest.record.loads import is_locked

_LEAST_FREE = 1024**3


def examine_disk(settings: Settings) -> Iterator[Finding]:
    """Findings about the folders of ledgers and rejected rows, and about running loads."""
    folders = {
        "ingest.ledger_dir": settings.ingest.ledger_dir,
        "ingest.dead_letters": settings.ingest.dead_letters.parent,
    }
    bad = [failure("disk", f"{name} = {folder} cannot be written", "set it to another folder")
           for name, folder in folders.items() if not _is_writable(folder)]  # fmt: skip
    yield from bad
    free = shutil.disk_usage(_existing(settings.ingest.ledger_dir)).free
    text = f"{free / 1024**3:.1f} GiB free for ledgers and rejected rows"
    if free < _LEAST_FREE:
        yield warning("disk", text, "free some space: a full disk ends a load")
    elif not bad:
        yield ok("disk", text)
    if is_locked(settings.ingest.ledger_dir, settings.index.name):
        text = f"a load of {settings.index.name} is running"
        yield warning("disk", text, "`es-hybrid ingest status` shows its progress")


def _is_writable(folder: Path) -> bool:
    return os.access(_existing(folder), os.W_OK | os.X_OK)


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    folder = folder.absolute()
    return next(each for each in (folder, *folder.parents) if each.is_dir())
