"""Checks disk and memory before an export."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from es_hybrid.errors import RerankError

__all__ = ["check_room"]


def check_room(folder: Path, *, disk: float, memory: float) -> None:
    """Check that an export will not run out of disk or memory.

    Args:
        folder: Target folder.
        disk: Bytes needed in the folder.
        memory: Bytes of memory needed.

    Raises:
        RerankError: less is available.
    """
    free = shutil.disk_usage(folder).free
    if free < disk:
        raise RerankError(
            f"the export needs {disk / 1e9:.1f} GB on disk, {free / 1e9:.1f} GB are free",
            place=str(folder),
            remedy="free disk space or export to another folder",
        )
    available = _available_memory()
    if available < memory:
        raise RerankError(
            f"the export needs {memory / 1e9:.1f} GB of memory, "
            f"{available / 1e9:.1f} GB are available",
            place=str(folder),
            remedy="stop other programs or export on a larger machine",
        )


def _available_memory() -> float:
    """Bytes available without swapping; infinite if the system does not report it."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    fields = dict(line.split(":", 1) for line in lines)
    return float(fields["MemAvailable"].split()[0]) * 1024
