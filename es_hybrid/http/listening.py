"""Listening sockets."""

from __future__ import annotations

import ipaddress
import socket

from es_hybrid.errors import SettingsError


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
