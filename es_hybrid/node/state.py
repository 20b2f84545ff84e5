"""Which node runs on a data folder.

The process of a node holds a lock on `node.lock` in its data folder. The kernel releases it when
the process ends for any reason, so the lock is reliable where a process id is not, because the
system may reuse it. The details of the node are in `node.json`.

This module imports nothing slow: every command calls `find_running` if no URL is configured.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from platformdirs import user_data_path

from es_hybrid import files
from es_hybrid.errors import NodeError

APP = "es-hybrid"
LOCK_FILE = "node.lock"
STATE_FILE = "node.json"
LOG_FILE = "node.log"

# `is_locked` takes the lock for some microseconds; a start waits for that.
_LOCK_PATIENCE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """A node with an open HTTP port."""

    pid: int
    port: int
    url: str
    version: str
    java: str
    """Version and folder of the Java runtime."""
    heap: str
    """Heap size as configured, e.g. `1g`."""
    started: str
    """Start time in UTC, ISO 8601."""


def default_data() -> Path:
    """The data folder of `es-hybrid node start`."""
    return user_data_path(APP) / "node"


def find_running() -> str | None:
    """The URL of the node that runs on the default data folder, or None."""
    state = running_node(default_data())
    return state.url if state else None


def running_node(data: Path) -> NodeState | None:
    """The node that runs on this data folder; None if there is none or it is still starting."""
    return _read_state(data) if is_locked(data) else None


def is_locked(data: Path) -> bool:
    """Whether a node runs on this data folder, ready or still starting."""
    return files.is_locked(data / LOCK_FILE)


@contextlib.contextmanager
def locked(data: Path) -> Iterator[int]:
    """Hold the lock of a data folder inside the block.

    Yields its file descriptor: a child that inherits it keeps the lock after the block.

    Raises:
        NodeError: another node runs on the folder, or this system is not supported.
    """
    if sys.platform == "win32":
        raise NodeError(
            "the embedded Elasticsearch runs on Linux and macOS only",
            remedy="use docker-compose.yml, or WSL",
        )
    descriptor = os.open(data / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if not files.lock(descriptor, wait_s=_LOCK_PATIENCE_S):
            raise _in_use(data)
        yield descriptor
    finally:
        os.close(descriptor)


def write_state(data: Path, state: NodeState) -> None:
    """Replace the state file atomically; only its owner can read it."""
    files.replace_file(data / STATE_FILE, json.dumps(asdict(state)).encode())


def remove_state(data: Path) -> None:
    """Delete the state file."""
    (data / STATE_FILE).unlink(missing_ok=True)


def _in_use(data: Path) -> NodeError:
    state = _read_state(data)
    who = f"process {state.pid}, {state.url}" if state else "still starting"
    return NodeError(
        f"another node runs on this data folder ({who})",
        place=str(data),
        remedy="use that node, stop it with `es-hybrid node stop`, or choose another --data",
    )


def _read_state(data: Path) -> NodeState | None:
    """The content of the state file; None if it is missing or from another version."""
    try:
        return NodeState(**json.loads((data / STATE_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
