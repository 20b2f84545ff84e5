"""Start and stop the process of a node."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from es_hybrid.errors import MissingExtra, NodeError
from es_hybrid.node import artifacts, server
from es_hybrid.node.java import Java, pick_java
from es_hybrid.node.log import last_lines
from es_hybrid.node.plugin import install_plugin
from es_hybrid.node.probe import await_primaries, why_not_green
from es_hybrid.node.state import (
    LOG_FILE,
    NodeState,
    is_locked,
    locked,
    remove_state,
    running_node,
)

# Seconds. A start takes 4 to 16 on a small machine, longer if a large index recovers.
START_LIMIT = 120.0
STOP_LIMIT = 30.0
_POLL_S = 0.05
_LINES_READ = 300
_LINES_SHOWN = 12

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class NodeOptions:
    """How to start a node."""

    data: Path
    port: int | None = None
    """HTTP port on 127.0.0.1. None picks a free one."""
    heap: str = "1g"
    settings: Mapping[str, str] = field(default_factory=dict)
    """Elasticsearch settings, which override the defaults."""
    detached: bool = False
    """Keep running after this process ends."""
    temporary: bool = False
    """Remove the data folder when this process dies."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[1-9]\d*[mMgG]", self.heap):
            raise NodeError(f"heap {self.heap!r} is not a size", remedy="write it as 512m or 2g")
        object.__setattr__(self, "data", self.data.expanduser().absolute())


def launch(
    options: NodeOptions, report: Callable[[str], None] = _log.info
) -> tuple[subprocess.Popen[bytes], NodeState]:
    """Start a node and wait until it is ready.

    Ready means that it answers HTTP, has a master, and every primary shard is active. An index with
    a lost primary does not fail the start, so that it can be inspected or deleted; a warning names
    it.

    Args:
        report: Called with a message before a long operation.

    Raises:
        NodeError: the folder or the port is in use, or the node died or did not become ready.
        MissingExtra: Java or JPype is not installed.
    """
    if importlib.util.find_spec("jpype") is None:
        raise MissingExtra("the embedded Elasticsearch", "local")
    java = pick_java()
    _make_folder(options.data)
    home = artifacts.home_folder()
    with locked(options.data) as lock:
        if options.port is not None:
            _check_free(options.port)
        artifacts.install(home, report)
        plugins = install_plugin(home, java, report)
        remove_state(options.data)
        report(f"starting Elasticsearch {artifacts.VERSION} on Java {java.version}")
        process = _spawn(options, java, home, plugins, lock)
    try:
        deadline = time.monotonic() + START_LIMIT
        state = _await_state(process, options.data, deadline)
        _await_ready(process, state, options.data, deadline)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return process, state


def stop(data: Path) -> NodeState | None:
    """Stop the node that runs on a data folder and wait until it has ended.

    Returns:
        The stopped node, or None if none was running.

    Raises:
        NodeError: the node is still starting.
    """
    state = running_node(data)
    if state is None:
        if is_locked(data):
            raise NodeError(
                "the node is still starting",
                place=str(data),
                remedy="wait until it is ready, or press Ctrl-C in the terminal that starts it",
            )
        return None
    for signum in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.kill(state.pid, signum)
        deadline = time.monotonic() + STOP_LIMIT
        while is_locked(data) and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        if not is_locked(data):
            break
    return state


def _make_folder(data: Path) -> None:
    try:
        data.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise NodeError(
            f"the data folder cannot be created: {error.strerror}",
            place=str(data),
            remedy="choose another folder with --data",
        ) from None


def _check_free(port: int) -> None:
    """Detect a port in use before starting the JVM."""
    with socket.socket() as probe:
        # As in Elasticsearch: a port with connections in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError) as error:
            raise NodeError(
                f"port {port} cannot be used ({getattr(error, 'strerror', None) or error})",
                remedy="choose another --port, or omit it to use a free one",
            ) from None


def _spawn(
    options: NodeOptions, java: Java, home: Path, plugins: Path, lock: int
) -> subprocess.Popen[bytes]:
    """Start the child in its own session, so that Ctrl-C does not reach it directly."""
    spec = server.NodeSpec(
        data=str(options.data),
        version=artifacts.VERSION,
        heap=options.heap,
        libjvm=str(java.libjvm),
        java=f"{java.version} ({java.home})",
        class_path=artifacts.class_path(home),
        plugins=str(plugins),
        jvm_options=_jvm_options(options, java, home),
        settings=_settings(options, home),
        parent=os.getpid(),
        detached=options.detached,
        temporary=options.temporary,
    )
    log = options.data / LOG_FILE
    if log.exists():
        log.replace(log.with_name(f"{LOG_FILE}.1"))
    # The child imports this same package, even from a source folder.
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", server.__name__, server.to_argument(spec)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=options.data,
            env={**os.environ, "PYTHONPATH": path},
            pass_fds=(lock,),
            start_new_session=True,
        )


def _jvm_options(options: NodeOptions, java: Java, home: Path) -> list[str]:
    return [
        f"-Xms{options.heap}",
        f"-Xmx{options.heap}",
        "-Xrs",  # Python handles the signals
        "-XX:+ExitOnOutOfMemoryError",  # exit rather than hang without memory
        f"-XX:ErrorFile={options.data / 'hs_err_pid%p.log'}",
        f"-Des.nativelibs.path={home / 'native'}",
        "-Des.distribution.type=tar",
        "-Dlog4j2.disable.jmx=true",
        *java.options(),
    ]


def _settings(options: NodeOptions, home: Path) -> dict[str, str]:
    return {
        "path.home": str(home),
        "path.data": str(options.data / "elasticsearch"),
        "path.logs": str(options.data),
        "cluster.name": "es-hybrid",
        "node.name": "embedded",
        "discovery.type": "single-node",
        "network.host": "127.0.0.1",
        "http.port": str(options.port or 0),
        "transport.port": "0",
        "action.destructive_requires_name": "true",
        # On a disk over 95 % full, common on laptops, indices would become read-only.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **options.settings,
    }


def _await_state(process: subprocess.Popen[bytes], data: Path, deadline: float) -> NodeState:
    """Wait until the node has bound its port."""
    while (state := running_node(data)) is None:
        if process.poll() is not None:
            raise _failed(f"died while starting (exit status {process.returncode})", data)
        if time.monotonic() > deadline:
            raise _failed(f"did not open its port within {START_LIMIT:.0f} s", data)
        time.sleep(_POLL_S)
    return state


def _await_ready(
    process: subprocess.Popen[bytes], state: NodeState, data: Path, deadline: float
) -> None:
    """Wait for the primary shards."""
    status = None
    while status not in ("green", "yellow"):
        with contextlib.suppress(NodeError):  # slow on a busy machine, or dead
            status = await_primaries(state.port, seconds=1)
        if process.poll() is not None:
            raise _failed(f"died while starting (exit status {process.returncode})", data)
        if time.monotonic() > deadline:
            if status is None:
                raise _failed(f"found no master within {START_LIMIT:.0f} s", data)
            _log.warning("%s: %s", state.url, why_not_green(state.port))
            return


def _failed(what: str, data: Path) -> NodeError:
    """An error with the last lines of the log, without stack frames."""
    lines = last_lines(data / LOG_FILE, _LINES_READ)
    relevant = [
        line for line in lines if line.strip() and not line.lstrip().startswith(("at ", "... "))
    ]
    shown = "".join(f"\n  {line}" for line in relevant[-_LINES_SHOWN:])
    return NodeError(f"Elasticsearch {what}", place=str(data), remedy=f"its last log lines:{shown}")
