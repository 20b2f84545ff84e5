"""HTTP/1.1 as the servers speak it: uvicorn's protocol over llhttp, with its gaps closed.

    Upgrade     ignored, as RFC 9110 (7.8) allows; uvicorn loses the body and reads it as the next
                request
    trailers    dropped; uvicorn appends them to the headers, against RFC 9110 (6.5.1)
    HTTP/1.0    an answer without a length ends with its connection; uvicorn sends chunks
    limits      of heads, of pipelined requests, of time and of connections; uvicorn has none

Still uvicorn and llhttp, because no library does all of this; docs/design.md has the comparison.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import httptools
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from es_hybrid.http.answers import encoded
from es_hybrid.http.connections import Connections, Due
from es_hybrid.http.refusal import Refusal, refusal_headers

# Bytes of the request line and all headers. Elasticsearch takes 16 KiB by default.
_MAX_HEAD = 64 * 1024
_MAX_HEADERS = 200
# Requests that wait behind an unanswered one.
_MAX_PIPELINED = 64
# As many waiting requests do not stop the server from reading on, and so from noticing that the
# caller leaves. Each may hold a head in memory.
_READ_BEHIND = 2


class RequestProtocol(HttpToolsProtocol):
    """One connection of a caller."""

    server_state: Connections

    def __init__(
        self,
        config: Config,
        server_state: Connections,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.due: Due | None = None
        # What is being received; None between requests.
        self._part: Due | None = Due.HEAD
        # Bytes since the last head or piece of a body was complete: an unfinished head, trailers,
        # the extensions of chunks. The parser holds some of them without saying so.
        self._unfinished = 0
        self._refused = False
        # The request being answered; uvicorn's `cycle` is the one that came last.
        self._answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Asyncio: the connection is open."""
        super().connection_made(transport)
        self.server_state.admit(self)
        self._note_due()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio: the connection is closed."""
        self.server_state.wait_for(self, None)
        if self._answering is not None and not self._answering.response_complete:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Asyncio: bytes of the caller."""
        if self._refused:
            return
        self._unfinished += len(data)
        try:
            self._parse(data)
            if self._unfinished > _MAX_HEAD:
                raise _too_long()
        except Refusal as refusal:
            self._refuse(refusal)
        except httptools.HttpParserError as error:
            cause = error.__context__  # raised by one of the methods below
            invalid = _refusal(400, "the request is not valid HTTP")
            self._refuse(cause if isinstance(cause, Refusal) else invalid)
        self._note_due()

    def _parse(self, data: bytes) -> None:
        rest = memoryview(data)
        while True:
            try:
                self.parser.feed_data(rest)
            except httptools.HttpParserUpgrade as upgrade:
                rest = rest[upgrade.args[0] :]
                self._parse_without_upgrade()
            else:
                return

    def _parse_without_upgrade(self) -> None:
        """Parse the head once more, without the header that made the parser stop after it."""
        lines = [
            b"%s %s HTTP/%s"
            % (self.parser.get_method(), self.url, self.parser.get_http_version().encode("ascii")),
            *(b"%s: %s" % header for header in self.headers if header[0] != b"upgrade"),
        ]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's
        self.parser.feed_data(b"\r\n".join(lines) + b"\r\n\r\n")

    def on_message_begin(self) -> None:
        """Httptools: the first byte of a request."""
        super().on_message_begin()
        self._part = Due.HEAD

    def on_headers_complete(self) -> None:
        """Httptools: a request's head is complete."""
        if self._stops_here():
            return
        self._check_head()
        super().on_headers_complete()
        if 0 < len(self.pipeline) <= _READ_BEHIND:
            self.flow.resume_reading()
        self.headers = []  # trailers go here, and nowhere else
        self._part = Due.BODY
        self._unfinished = 0

    def on_body(self, body: bytes) -> None:
        """Httptools: bytes of a body."""
        super().on_body(body)
        self._unfinished = 0

    def on_message_complete(self) -> None:
        """Httptools: a request is complete."""
        if self._stops_here():
            return
        super().on_message_complete()
        self._part = None
        self._unfinished = 0

    def _stops_here(self) -> bool:
        """Whether the parser stops after this head, which is then parsed again."""
        return self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT"

    def _check_head(self) -> None:
        size = len(self.url) + len(b"".join(itertools.chain.from_iterable(self.headers)))
        if size > _MAX_HEAD or len(self.headers) > _MAX_HEADERS:
            raise _too_long()
        names = [name for name, _ in self.headers]
        if b"transfer-encoding" in names and not self._is_chunked():
            raise _refusal(400, "Transfer-Encoding other than chunked is not supported")
        version = self.parser.get_http_version()
        if version not in ("1.0", "1.1"):
            raise _refusal(505, "the version of HTTP is not supported")
        if names.count(b"host") != 1 and (b"host" in names or version == "1.1"):  # RFC 9112, 3.2
            raise _refusal(400, "a request needs one Host header")
        if self.parser.get_method() == b"CONNECT":
            raise _refusal(400, "CONNECT is not supported")
        if len(self.pipeline) >= _MAX_PIPELINED:
            raise _refusal(429, "too many pipelined requests")

    def _is_chunked(self) -> bool:
        codings = [value.lower() for name, value in self.headers if name == b"transfer-encoding"]
        return codings == [b"chunked"]

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["http_version"] == "1.0":
            app = _ending_with_the_connection(cycle, app)
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """Uvicorn: a request is answered. Replaces a timer per request by `Connections`."""
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self._note_due()

    def pause_writing(self) -> None:
        """Asyncio: the caller reads its answer too slowly, or not at all."""
        super().pause_writing()
        self._note_due()

    def resume_writing(self) -> None:
        """Asyncio: the caller has read most of what was sent."""
        super().resume_writing()
        self._note_due()

    def _note_due(self) -> None:
        due = self._part
        if self.flow.write_paused or self.transport.is_closing():
            due = Due.ANSWER
        elif due is None and self.cycle.response_complete:
            due = Due.REQUEST
        self.server_state.wait_for(self, due)

    def is_held_up(self) -> bool:
        """See `CallersConnection`."""
        return self.flow.read_paused and self.due is not Due.ANSWER

    def overdue(self) -> None:
        """See `CallersConnection`."""
        if self._part is Due.BODY or (self._part is Due.HEAD and self._unfinished):
            self._refuse(_refusal(408, "the request took too long to arrive"))
            self._note_due()
        else:
            self.transport.abort()  # closed, it would first wait until everything is read

    def drop(self) -> None:
        """See `CallersConnection`."""
        self.connections.discard(self)
        self.transport.abort()

    def turn_away(self) -> None:
        """See `CallersConnection`."""
        self.connections.discard(self)
        self._answer(_refusal(503, "too many connections"))
        self.transport.close()

    def _refuse(self, refusal: Refusal) -> None:
        """Answer that a request is refused, and read no further."""
        self.server_state.refused(refusal.message)
        part, self._part = self._part, Due.GOODBYE
        self._refused = True
        if part is Due.BODY:
            if self.cycle.response_started or self.pipeline:  # another answer would mix with theirs
                self.transport.close()
                return
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        elif self.cycle and not self.cycle.response_complete:
            # Requests before this one get their answers; then the connection ends.
            self._part = None
            self.cycle.keep_alive = False
            return
        self._answer(refusal)
        self.transport.write_eof()

    def _answer(self, refusal: Refusal) -> None:
        body = encoded(refusal.body())
        headers = [
            *refusal_headers(refusal, accept=b""),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
        ]
        lines = [b"%s: %s\r\n" % header for header in headers]
        self.transport.write(b"".join([STATUS_LINE[refusal.status], *lines, b"\r\n", body]))


def _ending_with_the_connection(cycle: RequestResponseCycle, app: ASGIApp) -> ASGIApp:
    """The application, with answers that are not sent in chunks, which HTTP/1.0 does not know."""
    cycle.chunked_encoding = False

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] == "http.response.body":
                cycle.expected_content_length = len(message.get("body", b""))
            await send(message)

        await app(scope, receive, sending)

    return answer


def _refusal(status: int, reason: str) -> Refusal:
    return Refusal(status, "illegal_argument_exception", reason)


def _too_long() -> Refusal:
    return _refusal(
        431, f"the headers are longer than {_MAX_HEAD} bytes, or more than {_MAX_HEADERS}"
    )
