"""Serving an application until a signal ends the process."""

from __future__ import annotations

import atexit
import faulthandler
import os
import signal
import socket
import sys
from collections.abc import Callable
from types import FrameType

import uvicorn
from starlette.types import ASGIApp

from es_hybrid.http.connections import Connections, connection_limit
from es_hybrid.http.protocol import RequestProtocol

# Seconds that closing everything may take once the requests are finished or given up.
_CLOSING = 5
# Ticks of uvicorn's main loop, of which there are ten in a second.
_SECOND = 10


class HttpServer(uvicorn.Server):
    """Serves an application with `RequestProtocol` and the limits of `Connections`.

    Args:
        drain_seconds: Seconds that running requests may take to finish at shutdown.
        limit: Maximum number of connections; by default what the limit on open files allows.
        at_end: Called when the shutdown begins, to close connections that would delay it.
    """

    server_state: Connections

    def __init__(
        self,
        app: ASGIApp,
        *,
        drain_seconds: int,
        limit: int | None = None,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=RequestProtocol,
                ws="none",
                lifespan="on",
                log_config=None,
                access_log=False,
                server_header=False,
                date_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=drain_seconds,
            )
        )
        self.server_state = Connections(limit or connection_limit())
        self._at_end = at_end

    async def on_tick(self, counter: int) -> bool:
        """Uvicorn: called ten times a second."""
        if counter % _SECOND == 0:
            self.server_state.tick()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Uvicorn: finish the open requests and close the application."""
        self._at_end()
        self.server_state.report()
        await super().shutdown(sockets)


class _Command(HttpServer):
    """A server that is all its process does."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            # Work that holds the event loop, or never lets go of an executor, would hold up the
            # end for ever. Written in C, this timer needs neither the loop nor Python's lock.
            limit = (self.config.timeout_graceful_shutdown or 0) + _CLOSING
            faulthandler.dump_traceback_later(limit, exit=True)
        super().handle_exit(sig, frame)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        # Python would wait for every thread, also for those whose work no one needs any more: a
        # batch of a reranker that a search has given up takes minutes.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def run_until_signal(
    app: ASGIApp,
    listening: socket.socket,
    *,
    drain_seconds: int,
    at_end: Callable[[], None],
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the open requests and end the process.

    The exit status is 0. It is 1, with a traceback of every thread on standard error, if the
    process is not at its end a few seconds after `drain_seconds`.

    Args:
        drain_seconds: See `HttpServer`.
        at_end: See `HttpServer`.
    """
    server = _Command(app, drain_seconds=drain_seconds, at_end=at_end)
    for signum in (signal.SIGTERM, signal.SIGINT):  # also before uvicorn handles them itself
        signal.signal(signum, server.handle_exit)
    server.run(sockets=[listening])
