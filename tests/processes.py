"""What runs below a process, from /proc."""

from __future__ import annotations

import contextlib
from pathlib import Path


def descendants(ancestor: int) -> list[int]:
    """Process ids of all descendants of a process."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(") ")[2].split()[1])
    found, fresh = [], [ancestor]
    while fresh := [pid for pid, parent in parents.items() if parent in fresh]:
        found += fresh
    return found


def slice_actors(ancestor: int) -> list[int]:
    """Process ids of the slice actors."""
    found = []
    for pid in descendants(ancestor):
        with contextlib.suppress(OSError):
            if b"ray::SliceActor" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(pid)
    return found
