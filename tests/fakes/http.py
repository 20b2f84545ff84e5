"""An upstream over a real socket that records what reaches it and answers as told."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, found
        return found[0] if found else None


@dataclass
class Answer:
    """What is answered; `chunks` in place of `body` sends it chunked."""

    status: int = 200
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b"{}"
    chunks: list[bytes] | None = None


Script = Callable[[Seen], Answer]


class Upstream:
    """Answers on a free port of 127.0.0.1.

    Args:
        script: Asked for each answer; by default 200 and `{}`.
        tls: Speaks HTTPS.
    """

    def __init__(self, script: Script | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.script = script or (lambda seen: Answer())
        self.seen: list[Seen] = []
        self.connections = 0
        self.broken_off = threading.Event()
        """A caller closed the connection while its answer was awaited or under way."""
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._scheme = "https" if tls else "http"
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    def forget(self) -> None:
        """As at the beginning, but for the open connections."""
        self.script = lambda seen: Answer()
        self.seen.clear()
        self.broken_off.clear()

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
        upstream = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                upstream.connections += 1
                super().setup()

            def handle_any(self) -> None:
                try:
                    body = self._body()
                except (OSError, ValueError):  # it broke off
                    self.close_connection = True
                    return
                target = self.requestline.split(" ")[1]  # `path` has lost a doubled slash
                seen = Seen(self.command, target, list(self.headers.items()), body)
                upstream.seen.append(seen)
                answer = upstream.script(seen)
                try:
                    self._answer(answer)
                except OSError:
                    upstream.broken_off.set()
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = do_OPTIONS = handle_any  # noqa: N815

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") == "chunked":
                    parts = []
                    while size := int(self.rfile.readline(), 16):
                        parts.append(self.rfile.read(size))
                        self.rfile.readline()
                    self.rfile.readline()
                    return b"".join(parts)
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))

            def _answer(self, answer: Answer) -> None:
                self.send_response_only(answer.status)
                for name, value in answer.headers:
                    self.send_header(name, value)
                if answer.chunks is not None:
                    self.send_header("Transfer-Encoding", "chunked")
                elif answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                for chunk in answer.chunks or []:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n" if answer.chunks is not None else answer.body)

            def log_message(self, *arguments: object) -> None:
                """Keep the tests' output quiet."""

        return Handler


class RawUpstream:
    """Reads one request's head on each connection, answers these bytes and closes."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self.requests = 0
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                self.requests += 1
                connection.sendall(self._answer)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
