"""One request of a caller and its answer, over ASGI."""

from __future__ import annotations

import asyncio
import random
import re
from functools import partial

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from es_hybrid.http.answers import PRODUCT, Headers, Warnings
from es_hybrid.http.compression import MIN_BYTES, accepts_gzip, compressed
from es_hybrid.serve.workers import LARGE_BODY, Workers

# Valid `X-Request-Id` of a caller; the id is written into headers and logs.
_VALID_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Seconds until the first check whether the caller is still connected. Most answers are sooner and
# save the cost of the check.
_PATIENCE = 1.0
_JSON = (b"content-type", b"application/json")
# For caches in front of es-hybrid's own endpoints. Elasticsearch does not send it.
_VARIES = (b"vary", b"accept-encoding")


class CallerGone(Exception):
    """The caller closed the connection before the answer was complete."""


class Exchange:
    """A request being answered.

    Attributes:
        method: Upper case, ASCII.
        path: As received, still quoted.
        headers: As received, names in lower case.
        added: Headers of every answer, whoever makes it.
        warnings: Elasticsearch's, that an answer of es-hybrid's own passes on.
        id: The caller's `X-Request-Id` if it is valid, else a new id.
        status: Status of the answer; 0 before it is sent.
        door: `search`, `own` or `pass`; see `gateway`.
        degraded: Parts that failed and are missing in the answer, each as `part: why`.
        rules: Rules of `serve.rewrite` that made it hybrid.
    """

    __slots__ = (
        "_receive", "_send", "_unread", "_workers",
        "added", "degraded", "door", "headers", "id", "method", "path", "rules", "scope", "status",
        "warnings",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send, workers: Workers) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._workers = workers
        self._unread: tuple[bytes, bool] | None = None
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.headers: Headers = scope["headers"]
        asked = self.header(b"x-request-id")
        self.id = asked if _VALID_ID.fullmatch(asked) else b"%016x" % random.getrandbits(64)
        self.added: Headers = [(b"x-request-id", self.id)]
        self.status = 0
        self.door = ""
        self.degraded: tuple[str, ...] = ()
        self.warnings: Warnings = {}
        self.rules: tuple[str, ...] = ()

    def header(self, name: bytes) -> bytes:
        """The first header with this lower-case name, or an empty value."""
        for key, value in self.headers:
            if key == name:
                return value
        return b""

    @property
    def target(self) -> bytes:
        """Path and query as received."""
        query: bytes = self.scope["query_string"]
        return b"%s?%s" % (self.path, query) if query else self.path

    @property
    def begun(self) -> bool:
        """Whether the answer's status has been sent."""
        return self.status != 0

    async def receive(self) -> tuple[bytes, bool]:
        """The next bytes of the body, and whether more follow.

        Raises:
            CallerGone: the caller disconnected.
        """
        if self._unread is not None:
            unread, self._unread = self._unread, None
            return unread
        message = await self._receive()
        if message["type"] == "http.disconnect":
            raise CallerGone
        return message.get("body", b""), message.get("more_body", False)

    async def body(self, limit: int) -> bytes | None:
        """The whole body; None if it is longer than `limit` bytes, and then still to be received.

        Raises:
            CallerGone: the caller disconnected.
        """
        part, more = await self.receive()
        if not more and len(part) <= limit:
            return part
        parts = bytearray(part)
        while more and len(parts) <= limit:
            part, more = await self.receive()
            parts += part
        if len(parts) <= limit:
            return bytes(parts)
        self._unread = (bytes(parts), more)
        return None

    async def hand_over(self, application: ASGIApp, body: bytes | None = None) -> None:
        """Let another application answer.

        Args:
            body: The body that has been read; None if the application receives it itself.
        """
        unread: list[Message] = []
        if body is not None:
            unread.append({"type": "http.request", "body": body, "more_body": False})

        async def receive() -> Message:
            return unread.pop() if unread else await self._receive()

        await application(self.scope, receive, _OwnSend(self, self._send))

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the answer's status and headers."""
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, *self.added],
            }
        )

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send a part of the answer's body, no faster than the caller reads it."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole answer of es-hybrid's own, as Elasticsearch sends its own.

        In gzip if the caller accepts that, with the caller's `X-Opaque-Id` and with `warnings`.
        """
        headers = [*headers, *((b"warning", value) for value in self.warnings)]
        length = (b"content-length", b"%d" % len(body))
        body, headers = await self.packed(body, [*self.repeated(), *headers, length])
        await self.begin(status, headers)
        await self.write(b"" if self.method == "HEAD" else body, more=False)

    def repeated(self) -> Headers:
        """Headers of the request that answers of es-hybrid's own repeat."""
        opaque_id = self.header(b"x-opaque-id")
        return [(b"x-opaque-id", opaque_id)] if opaque_id else []

    async def packed(self, body: bytes, headers: Headers) -> tuple[bytes, Headers]:
        """A body and its headers, in gzip if the caller accepts that and if it is worth it."""
        if len(body) < MIN_BYTES or not accepts_gzip(self.header(b"accept-encoding")):
            return body, headers
        pack = partial(compressed, body, headers)
        return await self._workers.run(pack, large=len(body) > LARGE_BODY)

    def ends_with_caller(self, *, reading: asyncio.Task[None] | None = None) -> GoneWatch:
        """Raise `CallerGone` inside the block when the caller disconnects.

        Args:
            reading: Reads the body; the caller is watched after that. None: it has been read.
        """
        return GoneWatch(self._receive, reading)


class _OwnSend:
    """Sends the answer of an application that a request was handed over to.

    It waits with the head of a JSON answer until it sees whether that is whole: then it may be
    compressed.
    """

    __slots__ = ("_exchange", "_head", "_send")

    def __init__(self, exchange: Exchange, send: Send) -> None:
        self._exchange = exchange
        self._send = send
        self._head: Message | None = None

    async def __call__(self, message: Message) -> None:
        """Send a message of the application's."""
        if message["type"] == "http.response.start":
            await self._begin(message)
            return
        head, self._head = self._head, None
        if head is not None:
            if not message.get("more_body", False):
                packed = await self._exchange.packed(message.get("body", b""), head["headers"])
                message["body"], head["headers"] = packed
            await self._send(head)
        await self._send(message)

    async def _begin(self, head: Message) -> None:
        exchange = self._exchange
        exchange.status = head["status"]
        own: Headers = head.get("headers", [])
        head["headers"] = [*own, *exchange.repeated(), *exchange.added]
        if PRODUCT not in own:
            head["headers"].append(PRODUCT)
        if _JSON in own:
            head["headers"].append(_VARIES)
            self._head = head
        else:
            await self._send(head)


class GoneWatch:
    """Context manager that cancels its task when the caller disconnects.

    The connection to Elasticsearch then closes, and Elasticsearch cancels the search.
    """

    __slots__ = ("_gone", "_reading", "_receive", "_task", "_timer", "_watch")

    def __init__(self, receive: Receive, reading: asyncio.Task[None] | None) -> None:
        self._receive = receive
        self._reading = reading
        self._task = asyncio.current_task()
        self._gone = False
        self._watch: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(_PATIENCE, self._start)

    def _start(self) -> None:
        self._watch = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        if self._reading is not None:
            await asyncio.wait((self._reading,))
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        assert self._task is not None
        self._task.cancel()

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._timer.cancel()
        if self._watch is not None:
            self._watch.cancel()
        if self._gone and kind is asyncio.CancelledError:
            raise CallerGone from None
