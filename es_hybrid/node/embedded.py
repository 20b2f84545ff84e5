"""`EmbeddedNode`: an Elasticsearch that lives as long as a `with` block."""

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
    """A node that ends with the block, or with this process however it ends.

        with EmbeddedNode() as node:
            client = Elasticsearch(node.url)

    Args:
        data: Its data folder, kept. None is a temporary one, removed by `stop`.
        port: Of HTTP, on 127.0.0.1. None takes a free one.
        heap: Of the JVM, such as `512m` or `2g`.
        settings: Elasticsearch settings, over the node's own. Several nodes of one cluster take
            `discovery.type: multi-node` with `discovery.seed_hosts` and
            `cluster.initial_master_nodes`, a `transport.port` and `node.name` each, and have
            to be started side by side (in threads): a node is not ready before it has a master.
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
        """Start the node, unless it runs; after a crash too, on the data that is there.

        Raises:
            NodeError: it cannot start; with the log's last lines.
            MissingExtra: `es-hybrid[local]` is not installed.
        """
        if self._process is None or self._process.poll() is not None:
            self._process, self._state = launch(self._options)
        return self

    def stop(self) -> None:
        """Stop the node if it runs, and remove a temporary data folder."""
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
        """Where it answers, such as `http://127.0.0.1:41093`."""
        return self._running.url

    @property
    def pid(self) -> int:
        """Its process."""
        return self._running.pid

    @property
    def log_path(self) -> Path:
        """Its log; a temporary node's goes with its data."""
        return self._options.data / LOG_FILE

    @property
    def _running(self) -> NodeState:
        if self._state is None:
            raise NodeError("the node is not started", remedy="use it in a `with` block")
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
