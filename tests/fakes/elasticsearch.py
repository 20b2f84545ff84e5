"""A real HTTP proxy before Elasticsearch that answers what a test tells it to."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

# Status and body, and headers where there are any.
Answer = tuple[int, bytes] | tuple[int, bytes, dict[str, str]]
Forward = Callable[[bytes], Answer]
# Sees path, body and a function that asks the real node; gives the answer, or None to forward.
Fault = Callable[[str, bytes, Forward], Answer | None]

# Closes the connection without an answer.
DROP: Answer = (0, b"")


class FaultyProxy:
    """Forwards to `target` what `fault` lets pass.

    A target that is away is a connection that drops. What it answered, and what was answered in
    its place, stands in the log that a test proves its faults from.

    Attributes:
        bulks: The body of every bulk request.
        statuses: The status of every answer; 0 for a dropped connection.
    """

    def __init__(self, target: str, fault: Fault) -> None:
        self.target = urlsplit(target)
        self.fault = fault
        self._lock = threading.Lock()
        self.bulks: list[bytes] = []
        self.statuses: list[int] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def forward(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "/_bulk" in self.path:
                    with proxy._lock:
                        proxy.bulks.append(body)
                try:
                    answer = proxy.fault(self.path, body, self._ask) or self._ask(body)
                except (OSError, http.client.HTTPException):
                    answer = DROP
                status, content = answer[:2]
                headers = answer[2] if len(answer) == 3 else {}
                with proxy._lock:
                    proxy.statuses.append(status)
                if answer == DROP:
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/vnd.elasticsearch+json")
                self.send_header("X-Elastic-Product", "Elasticsearch")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = forward  # noqa: N815

            def _ask(self, body: bytes) -> Answer:
                connection = http.client.HTTPConnection(
                    proxy.target.hostname or "", proxy.target.port, timeout=30
                )
                headers = {
                    name: value
                    for name, value in self.headers.items()
                    if name.lower() not in ("host", "content-length", "connection")
                }
                connection.request(self.command, self.path, body or None, headers)
                response = connection.getresponse()
                answer = response.status, response.read()
                connection.close()
                return answer

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Keep the tests' output quiet."""

        return Handler


def operations_of(body: bytes) -> list[tuple[str, bytes]]:
    """Id and lines of each operation of a bulk body."""
    lines = iter(body.splitlines(keepends=True))
    operations = []
    for action in lines:
        ((kind, target),) = json.loads(action).items()
        operations.append((target["_id"], action if kind == "delete" else action + next(lines)))
    return operations


def kind_of(lines: bytes) -> str:
    """`index`, `update` or `delete`."""
    (kind,) = json.loads(lines.splitlines()[0])
    return str(kind)


def error_item(document_id: str, status: int, kind: str = "index") -> dict[str, Any]:
    """An item of a bulk answer that failed."""
    return {
        kind: {
            "_id": document_id,
            "status": status,
            "error": {"type": "injected", "reason": f"injected {status}"},
        }
    }


def refusal(status: int) -> Answer:
    """A whole request refused in Elasticsearch's form."""
    error = {"type": "injected", "reason": f"injected {status}"}
    return status, json.dumps({"error": error | {"root_cause": [error]}, "status": status}).encode()
