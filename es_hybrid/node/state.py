"""Which node runs on a data folder.

A node's process holds a lock on `node.lock` in its data folder for as long as it lives. The
kernel lets go of it however the process ends, so the lock, and not a process id that may have
been given to another program since, tells whether a node runs. What it is and where it listens
stands beside it in `node.json`.

Imports nothing heavy: every command asks `find_running` when no url is configured.
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

# A look at the lock takes it for some microseconds. A start that meets one tries again.
_LOCK_PATIENCE_S = 1.0


@dataclass(frozen=True, kw_only=True)
class NodeState:
    """A node that has bound its HTTP port."""

    pid: int
    port: int
    url: str
    version: str
    java: str
    """Version of the Java runtime and where it stands."""
    heap: str
    """As given: `1g`."""
    started: str
    """UTC, ISO 8601."""


def default_data() -> Path:
    """The data folder of `es-hybrid node start`."""
    return user_data_path(APP) / "node"


def find_running() -> str | None:
    """The url of the node that runs on the default data folder, or None."""
    state = running_node(default_data())
    return state.url if state else None


def running_node(data: Path) -> NodeState | None:
    """The node that runs on this data folder; None too while it still starts."""
    return _read_state(data) if is_locked(data) else None


def is_locked(data: Path) -> bool:
    """Whether a node's process lives on this data folder, ready or still starting."""
    return files.is_locked(data / LOCK_FILE)


@contextlib.contextmanager
def locked(data: Path) -> Iterator[int]:
    """Hold the lock of a data folder inside the block.

    Yields its file descriptor: a child that inherits it goes on holding the lock after the block.

    Raises:
        NodeError: another node runs on the folder, or this system has no such locks.
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
    """Replace the state file in one step; readable by its owner alone."""
    files.replace_file(data / STATE_FILE, json.dumps(asdict(state)).encode())


def remove_state(data: Path) -> None:
    """Forget the last node of this folder."""
    (data / STATE_FILE).unlink(missing_ok=True)


def _in_use(data: Path) -> NodeError:
    state = _read_state(data)
    who = f"process {state.pid}, {state.url}" if state else "still starting"
    return NodeError(
        f"another node runs on this data folder ({who})",
        place=str(data),
        remedy="use that one, stop it with `es-hybrid node stop`, or give another --data",
    )


def _read_state(data: Path) -> NodeState | None:
    """What the file says, or None where there is none or it is another version's."""
    try:
        return NodeState(**json.loads((data / STATE_FILE).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
