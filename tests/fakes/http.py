"""The HTTP server behind every fake: real sockets, scripted answers, and faults."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, ClassVar, Self


@dataclass
class Request:
    """A request as it arrived.

    Attributes:
        target: Path and query, unchanged.
    """

    method: str
    target: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(found) <= 1, found
        return found[0] if found else None

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


@dataclass(frozen=True)
class Answer:
    """What the server answers.

    Attributes:
        headers: A list of pairs where a name occurs twice.
        chunks: Sent chunked in place of `body`, each as soon as the iterable yields it.
        cut: Bytes of the body that are sent before the connection closes.
    """

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] | list[tuple[str, str]] | None = None
    chunks: Iterable[bytes] | None = None
    cut: int | None = None

    def json(self) -> Any:
        return json.loads(self.body)


# Closes the connection without an answer.
DROP = Answer(0, b"")

# Runs in the request's thread: it delays an answer by waiting on an event.
Script = Callable[[Request], Answer]


def trickle(until: threading.Event) -> Iterator[bytes]:
    """The chunks of an answer that never ends, one byte at a time: no read times out."""
    while not until.wait(0.05):
        yield b" "


def json_answer(status: int, body: Any) -> Answer:
    return Answer(status, json.dumps(body).encode(), {"Content-Type": "application/json"})


class HttpServer:
    """Listens on a free port of 127.0.0.1 and answers each request in a thread of its own.

    Args:
        script: Makes each answer; by default 200 and `{}`.
        tls: Makes it an HTTPS server.

    Attributes:
        seen: Every request, in order of arrival.
        connections: How many were opened.
        broken_off: Set when a client has closed its connection before the end of an answer.
    """

    default_headers: ClassVar[dict[str, str]] = {}

    def __init__(self, script: Script | None = None, *, tls: ssl.SSLContext | None = None) -> None:
        self.script = script or (lambda request: Answer())
        self.seen: list[Request] = []
        self.connections = 0
        self.broken_off = threading.Event()
        self.lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        if tls:
            self._http.socket = tls.wrap_socket(self._http.socket, server_side=True)
        self._scheme = "https" if tls else "http"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        return f"{self._scheme}://127.0.0.1:{self._http.server_port}"

    def forget(self) -> None:
        """Reset everything but the open connections."""
        self.script = lambda request: Answer()
        self.seen.clear()
        self.broken_off.clear()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True  # or an answer sent in two pieces takes 40 ms longer

            def setup(self) -> None:
                with server.lock:
                    server.connections += 1
                super().setup()

            def handle_any(self) -> None:
                try:
                    body = self._body()
                except (OSError, ValueError):  # the client broke off
                    self.close_connection = True
                    return
                target = self.requestline.split(" ")[1]  # `self.path` has lost a doubled slash
                request = Request(self.command, target, list(self.headers.items()), body)
                with server.lock:
                    server.seen.append(request)
                answer = server.script(request)
                if answer == DROP:
                    self.close_connection = True
                    return
                try:
                    self._send(answer)
                except OSError:
                    server.broken_off.set()
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

            def _send(self, answer: Answer) -> None:
                self.send_response_only(answer.status)
                own = answer.headers or {}
                pairs = list(own.items()) if isinstance(own, Mapping) else own
                named = {name.lower() for name, _ in pairs}
                defaults = server.default_headers.items()
                for name, value in [p for p in defaults if p[0].lower() not in named] + pairs:
                    self.send_header(name, value)
                if answer.chunks is not None:
                    self.send_header("Transfer-Encoding", "chunked")
                elif answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.body)))
                self.end_headers()
                if self.command == "HEAD":
                    return
                if answer.chunks is None:
                    self.wfile.write(answer.body[: answer.cut])
                    self.close_connection |= answer.cut is not None
                    return
                for chunk in answer.chunks:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(chunk), chunk))
                self.wfile.write(b"0\r\n\r\n")

            def log_message(self, *arguments: object) -> None:
                """Keep the tests' output quiet."""

        return Handler


class RawServer:
    """Reads the head of one request on each connection, answers these bytes and closes.

    For answers that are not HTTP: `http.server` cannot send those.
    """

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


def dead_url() -> str:
    """A URL where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as unused:
        return f"http://127.0.0.1:{unused.getsockname()[1]}"
