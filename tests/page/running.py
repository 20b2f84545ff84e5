"""The page on a free port of 127.0.0.1, in a thread of the test's process."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from es_hybrid.page.library import Library
from es_hybrid.page.server import create_app


@contextmanager
def showing(library: Library, hosts: frozenset[str] = frozenset()) -> Iterator[str]:
    """The URL of a library's page inside the block."""
    app, page = create_app(library, hosts)
    with listening(app) as url:
        yield url
        page.end()


@contextmanager
def listening(app: ASGIApp) -> Iterator[str]:
    """An application's URL inside the block."""
    bound = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(app, ws="none", log_config=None, access_log=False, proxy_headers=False)
    )
    thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
