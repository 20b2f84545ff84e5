"""Disk and memory, looked at before an export begins."""

from __future__ import annotations

import math
import shutil
from pathlib import Path

from es_hybrid.errors import RerankError

__all__ = ["check_room"]


def check_room(folder: Path, *, disk: float, memory: float) -> None:
    """See first whether an export can come to its end.

    Args:
        folder: Where it goes.
        disk: Bytes it takes there.
        memory: Bytes it takes on the way.

    Raises:
        RerankError: there is not that much.
    """
    free = shutil.disk_usage(folder).free
    if free < disk:
        raise RerankError(
            f"{disk / 1e9:.1f} GB are needed on disk, {free / 1e9:.1f} GB are free",
            place=str(folder),
            remedy="free some, or export to another folder",
        )
    available = _available_memory()
    if available < memory:
        raise RerankError(
            f"{memory / 1e9:.1f} GB of memory are needed, {available / 1e9:.1f} GB are available",
            place=str(folder),
            remedy="end other programs, or export on a larger machine",
        )


def _available_memory() -> float:
    """Bytes that can be had without swapping; infinite where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return math.inf
    fields = dict(line.split(":", 1) for line in lines)
    return float(fields["MemAvailable"].split()[0]) * 1024
