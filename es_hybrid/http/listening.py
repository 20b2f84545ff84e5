"""Listening on a socket, and serving until a signal."""

from __future__ import annotations

import ipaddress
import signal
import socket
from collections.abc import Callable, Sequence
from typing import Any

import uvicorn

from es_hybrid.errors import SettingsError

__all__ = ["address", "is_loopback", "listen", "run_until_signal"]


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def listen(host: str, port: int, *, section: str) -> socket.socket:
    """A listening socket.

    Args:
        section: Section of the settings with host and port, for the error message.

    Raises:
        SettingsError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen on this address ({error.strerror or error})",
            place=f"{section}.host = {host}, {section}.port = {port}",
            remedy="choose another --port, or stop the program that uses it",
        ) from None


def address(listening: socket.socket) -> str:
    """The URL, as in `http://127.0.0.1:9201`."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_until_signal(
    app: Callable[..., Any],
    listening: socket.socket,
    *,
    at_end: Callable[[], None],
    **options: Any,
) -> None:
    """Serve until SIGTERM or SIGINT, then finish the open requests.

    Args:
        at_end: Called when the shutdown begins, to close connections that would delay it.
        options: Further options of uvicorn.
    """
    server = _Server(
        uvicorn.Config(
            app,
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            **options,
        ),
        at_end,
    )
    # uvicorn raises the signal again after a graceful shutdown, which would end in an exit status
    # other than 0.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: None)
    server.run(sockets=[listening])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, at_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._at_end = at_end

    async def shutdown(self, sockets: Sequence[socket.socket] | None = None) -> None:
        self._at_end()
        await super().shutdown(list(sockets) if sockets else None)
