"""An application on a free port of 127.0.0.1, in a thread of the test's process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp

from es_hybrid.http.server import HttpServer
from tests.pauses import PATIENCE


@contextmanager
def listening(app: ASGIApp, *, limit: int | None = None) -> Iterator[str]:
    """The URL of an application inside the block.

    Args:
        limit: Maximum number of connections.
    """
    bound = socket.create_server(("127.0.0.1", 0))
    server = HttpServer(app, drain_seconds=int(PATIENCE), limit=limit)
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
