"""The server process: socket, signals, logs, shutdown."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson

from es_hybrid.errors import SettingsError
from es_hybrid.garbage import collect_rarely
from es_hybrid.http.listening import address, is_loopback, listen
from es_hybrid.http.server import run_until_signal
from es_hybrid.secrets import scrub
from es_hybrid.serve.app import create_app
from es_hybrid.serve.upstream.origin import Origin
from es_hybrid.settings import Settings
from es_hybrid.settings.serve import ServeSettings

# Attributes that a logger call passes as `extra=`.
_FIELDS = ("request_id", "method", "path", "door", "status", "ms", "degraded", "rules")


def run(settings: Settings, *, verbose: int, say: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT, then finish the open requests.

    Args:
        verbose: Number of `-v` on the command line.
        say: Called with a line that names the address, once the server listens.

    Raises:
        SettingsError: the address cannot or must not be listened on.
        EsHybridError: the embedder or the reranker cannot be opened.
    """
    origin = Origin.of(settings.elasticsearch)
    _check_lending(settings.serve, origin)
    serve = settings.serve
    listening = listen(serve.host, serve.port, section="serve")
    app = create_app(settings)
    _log_as_json(verbose)
    collect_rarely()
    say(f"es-hybrid listens on {address(listening)}, in front of {origin}")
    run_until_signal(
        app,
        listening,
        drain_seconds=serve.drain_seconds,
        at_end=app.end,
    )


def _check_lending(settings: ServeSettings, origin: Origin) -> None:
    """Require API keys if `/search` lends the server's credentials beyond this machine."""
    if origin.credentials and not settings.api_keys and not is_loopback(settings.host):
        raise SettingsError(
            "/search uses the credentials of elasticsearch.*, and anyone who reaches it can "
            "search with them",
            place=f"serve.host = {settings.host}",
            remedy="set serve.api_keys, or listen on 127.0.0.1",
        )


def _log_as_json(verbose: int) -> None:
    """Write the log to standard error as JSON, without bodies, queries or credentials."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_JsonFormatter())
    logging.getLogger().handlers = [handler]
    # One line per search; -v adds the requests that pass through.
    logging.getLogger("es_hybrid").setLevel([logging.INFO, logging.DEBUG][min(verbose, 1)])
    logging.getLogger("uvicorn").setLevel(logging.WARNING)


class _JsonFormatter(logging.Formatter):
    """`{"time", "level", "logger", "message", …}`."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as one line of JSON."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in _FIELDS if (value := getattr(record, name, None))}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return scrub(orjson.dumps(line, default=str).decode())
