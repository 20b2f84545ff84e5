"""`EmbeddedNode`: an Elasticsearch node for the duration of a `with` block."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from es_hybrid.errors import NodeError
from es_hybrid.node.launch import STOP_LIMIT, NodeOptions, launch
from es_hybrid.node.state import LOG_FILE, NodeState


class EmbeddedNode:
    """A node that stops at the end of the block, or when this process ends for any reason.

        with EmbeddedNode() as node:
            client = Elasticsearch(node.url)

    Args:
        data: Data folder, which is kept. None uses a temporary one, which `stop` removes.
        port: HTTP port on 127.0.0.1. None picks a free one.
        heap: Heap size of the JVM, such as `512m` or `2g`.
        settings: Elasticsearch settings, which override the defaults. The nodes of one cluster need
            `discovery.type: multi-node`, `discovery.seed_hosts`, `cluster.initial_master_nodes`,
            and a `transport.port` and `node.name` each. Start them in parallel threads: a node is
            not ready before it has a master.
    """

    def __init__(
        self,
        data: Path | None = None,
        *,
        port: int | None = None,
        heap: str = "1g",
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self._temporary = (
            tempfile.TemporaryDirectory(prefix="es-hybrid-node-", ignore_cleanup_errors=True)
            if data is None
            else None
        )
        self._options = NodeOptions(
            data=data or Path(self._temporary.name if self._temporary else ""),
            port=port,
            heap=heap,
            settings=dict(settings or {}),
            temporary=data is None,
        )
        self._process: subprocess.Popen[bytes] | None = None
        self._state: NodeState | None = None

    def start(self) -> Self:
        """Start the node unless it is running. After a crash it starts on the existing data.

        Raises:
            NodeError: it cannot start; includes the last lines of its log.
            MissingExtra: the `local` extra is not installed.
        """
        if self._process is None or self._process.poll() is not None:
            self._process, self._state = launch(self._options)
        return self

    def stop(self) -> None:
        """Stop the node if it is running, and remove a temporary data folder."""
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = self._state = None
        if self._temporary is not None:
            self._temporary.cleanup()

    @property
    def url(self) -> str:
        """Its URL, such as `http://127.0.0.1:41093`."""
        return self._running.url

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._running.pid

    @property
    def log_path(self) -> Path:
        """Its log file, in the data folder."""
        return self._options.data / LOG_FILE

    @property
    def _running(self) -> NodeState:
        if self._state is None:
            raise NodeError(
                "the node is not running", remedy="use it in a `with` block, or call start()"
            )
        return self._state

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()
