"""One request of a caller and its answer, over ASGI."""

from __future__ import annotations

import asyncio
import random
import re

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from es_hybrid.http.answers import Headers

# Valid `X-Request-Id` of a caller; the id is written into headers and logs.
_VALID_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")
# Seconds until the first check whether the caller is still connected. Most answers are sooner and
# save the cost of the check.
_PATIENCE = 1.0


class CallerGone(Exception):
    """The caller closed the connection before the answer was complete."""


class Exchange:
    """A request being answered.

    Attributes:
        method: Upper case, ASCII.
        path: As received, still quoted.
        headers: As received, names in lower case.
        id: The caller's `X-Request-Id` if it is valid, else a new id.
        status: Status of the answer; 0 before it is sent.
        door: `search`, `own` or `pass`; see `gateway`.
        degraded: Parts that failed and are missing in the answer, each as `part: why`.
        rules: Rules of `serve.rewrite` that made it hybrid.
    """

    __slots__ = (
        "_receive", "_send", "_unread",
        "degraded", "door", "headers", "id", "method", "path", "rules", "scope", "status",
    )  # fmt: skip

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self._receive = receive
        self._send = send
        self._unread: tuple[bytes, bool] | None = None
        self.method: str = scope["method"]
        self.path: bytes = scope["raw_path"]
        self.headers: Headers = scope["headers"]
        asked = self.header(b"x-request-id")
        self.id = asked if _VALID_ID.fullmatch(asked) else b"%016x" % random.getrandbits(64)
        self.status = 0
        self.door = ""
        self.degraded: tuple[str, ...] = ()
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

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", self.id)]
            await self._send(message)

        await application(self.scope, receive, send)

    async def begin(self, status: int, headers: Headers) -> None:
        """Send the answer's status and headers."""
        self.status = status
        await self._send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [*headers, (b"x-request-id", self.id)],
            }
        )

    async def write(self, data: bytes, *, more: bool) -> None:
        """Send a part of the answer's body, no faster than the caller reads it."""
        await self._send({"type": "http.response.body", "body": data, "more_body": more})

    async def answer(self, status: int, body: bytes, headers: Headers) -> None:
        """Send a whole answer."""
        length = (b"content-length", b"%d" % len(body))
        await self.begin(status, [*headers, length])
        await self.write(b"" if self.method == "HEAD" else body, more=False)

    def ends_with_caller(self, *, reading: asyncio.Task[None] | None = None) -> GoneWatch:
        """Raise `CallerGone` inside the block when the caller disconnects.

        Args:
            reading: Reads the body; the caller is watched after that. None: it has been read.
        """
        return GoneWatch(self._receive, reading)


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
