"""Runs `es-hybrid serve` in a process of its own, as a user does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, Any, NamedTuple


class Server(NamedTuple):
    """A running server."""

    url: str
    pid: int


@contextmanager
def started(
    elasticsearch: str,
    *,
    port: int = 0,
    environment: Mapping[str, str] | None = None,
    limit: Callable[[], None] | None = None,
) -> Iterator[Server]:
    """Run `es-hybrid serve` as a user does.

    Args:
        elasticsearch: URL of the cluster.
        port: Port to listen on; 0 picks a free one.
        environment: Added to that of this process.
        limit: Called in the new process, to limit its resources.
    """
    main = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"
    with tempfile.TemporaryFile("w+") as log:  # an unread pipe would block the server
        process = subprocess.Popen(
            [sys.executable, "-c", main, "serve", "--port", str(port), "--url", elasticsearch],
            stderr=log,
            env={**os.environ, **(environment or {})},
            preexec_fn=limit,
        )
        try:
            yield Server(_address(log), process.pid)
        finally:
            process.terminate()
            process.wait(60)


@contextmanager
def serving(
    elasticsearch: str, *, rules: Sequence[Mapping[str, Any]] = (), **embedding: Any
) -> Iterator[str]:
    """Run `es-hybrid serve` without a reranker; yields its URL.

    Args:
        elasticsearch: URL of the cluster.
        rules: Value of `serve.rewrite`.
        embedding: Settings of the `embedding` section.
    """
    environment = {f"ES_HYBRID_EMBEDDING__{k.upper()}": str(v) for k, v in embedding.items()}
    environment["ES_HYBRID_RERANK__ENABLED"] = "false"
    environment["ES_HYBRID_SERVE__REWRITE"] = json.dumps(list(rules))
    with started(elasticsearch, environment=environment) as server:
        yield server.url


def _address(log: IO[str]) -> str:
    """URL in the first line of the log: `es-hybrid listens on http://…, in front of …`."""
    for _ in range(600):
        log.seek(0)
        if (line := log.readline()).endswith("\n"):
            return line.split()[3].rstrip(",")
        time.sleep(0.1)
    raise TimeoutError("the server did not start")
