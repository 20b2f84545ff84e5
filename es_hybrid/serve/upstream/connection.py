"""One HTTP/1.1 connection to Elasticsearch, over which one exchange runs at a time.

Own code and not a client library, for the one reason that a search passed on must cost next to
nothing: behind uvicorn a bare relay took 145 µs of CPU a search when written like this, 380 µs with
aiohttp's client (wrk, 16 connections). The parsing itself is httptools', as in uvicorn.
"""

from __future__ import annotations

import asyncio
from typing import cast

import httptools

from es_hybrid.errors import ElasticsearchError

Headers = list[tuple[bytes, bytes]]

# Bytes of an answer that are held for a caller who reads slowly.
_HIGH_WATER = 256 * 1024
_BODILESS = (204, 304)


class UpstreamError(ElasticsearchError):
    """Elasticsearch gave no answer, or one that is not HTTP.

    Attributes:
        status: What a gateway answers for it: 502, 503 or 504.
        untouched: No byte of an answer had come, over a connection that had idled: it was closed
            at the other end, and the request most likely never seen.
    """

    def __init__(
        self, message: str, *, status: int, place: str, remedy: str = "", untouched: bool = False
    ) -> None:
        super().__init__(message, place=place, remedy=remedy)
        self.status = status
        self.untouched = untouched


class Connection(asyncio.Protocol):
    """Write a request, read its answer as it comes, and begin again.

    Attributes:
        status: Of the answer, once `head` has returned.
        headers: Of the answer, names in lower case.
        complete: The whole answer has arrived, though perhaps it is not read yet.
        closed: No further exchange is possible.
    """

    def __init__(self, place: str) -> None:
        self._place = place
        self._transport: asyncio.Transport
        self._loop = asyncio.get_running_loop()
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._may_write = asyncio.Event()
        self._may_write.set()
        self._error: UpstreamError | None = None
        self.closed = False
        self.idle_since = 0.0
        self._reset(answer_has_body=True)

    def _reset(self, *, answer_has_body: bool) -> None:
        self._answer_has_body = answer_has_body
        self._chunks: list[bytes] = []
        self._held = 0
        self._headers_done = False
        self._ends_with_connection = False
        self._kept = False
        self.status = 0
        self.headers: Headers = []
        self.complete = False

    def begin(self, request: bytes, *, answer_has_body: bool) -> None:
        """Write a request's head and as much of its body as there is.

        Args:
            request: Bytes of HTTP/1.1.
            answer_has_body: False for `HEAD`, whose answer states a length and has none.

        Raises:
            UpstreamError: the connection is lost.
        """
        if self.closed:
            raise self._error or self._lost()
        self._reset(answer_has_body=answer_has_body)
        self._parser = httptools.HttpResponseParser(self)
        self._transport.write(request)

    async def write(self, data: bytes) -> None:
        """Write more of the body, no faster than it is taken.

        Raises:
            UpstreamError: the connection is lost.
        """
        if self.closed:
            raise self._error or self._lost()
        self._transport.write(data)
        await self._may_write.wait()

    async def head(self) -> None:
        """Wait for status and headers.

        Raises:
            UpstreamError: they do not come.
        """
        while not self._headers_done:
            await self._arrival()

    async def chunk(self) -> bytes:
        """The next bytes of the answer's body; empty only when there are no more.

        Raises:
            UpstreamError: the answer breaks off.
        """
        while not self._chunks and not self.complete:
            await self._arrival()
        data = self._chunks[0] if len(self._chunks) == 1 else b"".join(self._chunks)
        self._chunks.clear()
        if self._held > _HIGH_WATER and not self.closed:
            self._transport.resume_reading()
        self._held = 0
        return data

    async def whole(self) -> bytes:
        """The answer's whole body.

        Raises:
            UpstreamError: the answer breaks off.
        """
        parts = [await self.chunk()]
        while not self.complete:
            parts.append(await self.chunk())
        return b"".join(parts)

    @property
    def reusable(self) -> bool:
        """The answer is complete and the other end keeps the connection."""
        return self.complete and self._kept and not self.closed

    def rest(self) -> None:
        """The exchange is over, and bytes that come now belong to none."""
        self._parser = None
        self.idle_since = self._loop.time()

    def close(self) -> None:
        """Drop the connection, whatever is under way."""
        self.closed = True
        self._transport.abort()

    async def _arrival(self) -> None:
        if self._error:
            raise self._error
        self._waiter = self._loop.create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _lost(self) -> UpstreamError:
        return UpstreamError(
            "Elasticsearch closed the connection before its answer was complete",
            status=502,
            place=self._place,
            remedy="look at its log, and at what stands between",
            untouched=not self._headers_done,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio: the connection stands."""
        # A cast and no check: uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Asyncio: bytes of an answer."""
        if self._parser is None:  # nobody asked
            self.close()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._error = UpstreamError(
                f"what answers is not Elasticsearch ({type(error).__name__})",
                status=502,
                place=self._place,
                remedy="check elasticsearch.url",
            )
            self.close()
        if self._held > _HIGH_WATER and not self.closed:
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio: the other end, or we, closed."""
        self.closed = True
        if self._parser is not None and not self.complete:
            if self._ends_with_connection and exc is None:
                self.complete = True
            elif self._error is None:
                self._error = self._lost()
        self._may_write.set()
        self._wake()

    def pause_writing(self) -> None:
        """Asyncio: the other end takes no more for now."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Asyncio: it takes more again."""
        self._may_write.set()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Httptools: one header."""
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Httptools: the answer's head is over."""
        assert self._parser is not None
        status = self._parser.get_status_code()
        if status < 200:  # an interim answer; the one that counts follows
            return
        self.status = status
        self._headers_done = True
        if not self._answer_has_body:
            self.complete = True
            self._kept = (b"connection", b"close") not in self.headers
        elif status not in _BODILESS:
            names = {name for name, _ in self.headers}
            self._ends_with_connection = not names & {b"content-length", b"transfer-encoding"}

    def on_body(self, body: bytes) -> None:
        """Httptools: bytes of the body."""
        self._chunks.append(body)
        self._held += len(body)

    def on_message_complete(self) -> None:
        """Httptools: the answer is over."""
        if self._headers_done:
            self.complete = True
            assert self._parser is not None
            self._kept = self._parser.should_keep_alive()  # afterwards it no longer knows
        else:
            self.headers = []
