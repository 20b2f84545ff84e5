"""Running the server: its socket, its signals, its end."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Callable

import uvicorn

from es_hybrid.errors import SettingsError
from es_hybrid.serve.app import create_app
from es_hybrid.serve.logs import log_as_json
from es_hybrid.serve.upstream import Origin
from es_hybrid.settings import Settings
from es_hybrid.settings.serve import ServeSettings

# Seconds. Elasticsearch closes no idle connection, and its clients rely on that: with uvicorn's 5
# seconds they would now and then send into a connection about to close.
_KEEP_ALIVE = 3600


def run(settings: Settings, *, verbose: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way.

    Args:
        verbose: As counted by `es-hybrid -v`.
        say: Told where the server listens, once it does.

    Raises:
        SettingsError: it cannot listen there, or must not.
        EsHybridError: a part cannot be had.
    """
    origin = Origin.of(settings.elasticsearch)
    _check_lending(settings.serve, origin)
    listening = _listen(settings.serve)
    app = create_app(settings)
    log_as_json()
    # One line for each search; -v adds what passes through.
    logging.getLogger("es_hybrid").setLevel([logging.INFO, logging.DEBUG][min(verbose, 1)])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    host, port = listening.getsockname()[:2]
    say(f"es-hybrid listens on http://{_bracketed(host)}:{port}, in front of {origin}")
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_KEEP_ALIVE,
            timeout_graceful_shutdown=settings.serve.drain_seconds,
        )
    )
    # After its orderly end uvicorn raises the signal again, which would make that end a failure.
    for signum in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signum, lambda *_: None)
    server.run(sockets=[listening])


def _check_lending(settings: ServeSettings, origin: Origin) -> None:
    """`/search` asks Elasticsearch with our credentials: beyond this machine it needs a lock."""
    if origin.credentials and not settings.api_keys and not _is_loopback(settings.host):
        raise SettingsError(
            "/search uses the credentials of elasticsearch.*, and anyone who reaches it could "
            "search with them",
            place=f"serve.host = {settings.host}",
            remedy="set serve.api_keys, or listen on 127.0.0.1",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listen(settings: ServeSettings) -> socket.socket:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"cannot listen there ({error.strerror or error})",
            place=f"serve.host = {settings.host}, serve.port = {settings.port}",
            remedy="give another --port, or end what listens there",
        ) from None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
