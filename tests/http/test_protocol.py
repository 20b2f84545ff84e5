"""What an application sees of a caller's bytes, and what the caller gets back."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import h11
import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from es_hybrid.http.connections import Connections
from es_hybrid.http.protocol import RequestProtocol
from tests.pauses import PATIENCE
from tests.running import listening
from tests.serve.running import raw

MIB = 1024 * 1024
HOST = b"host: x\r\n"
CHUNKED = b"transfer-encoding: chunked\r\n"


class Seen(NamedTuple):
    """A request."""

    method: str
    target: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def received(scope: Scope, receive: Receive) -> Seen:
    """The whole request."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        body += message["body"]
        more = message["more_body"]
    query = b"?" + scope["query_string"] if scope["query_string"] else b""
    return Seen(scope["method"], scope["raw_path"] + query, scope["headers"], body)


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the request as JSON, in two pieces; without a length if `/streamed`."""
    if scope["type"] == "lifespan":
        for end in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{end}.complete"})
        return
    seen = await received(scope, receive)
    headers = {name.decode(): value.decode() for name, value in seen.headers}
    answer = json.dumps([seen.method, seen.target.decode(), headers, seen.body.decode()]).encode()
    length = [] if seen.target == b"/streamed" else [(b"content-length", b"%d" % len(answer))]
    await send({"type": "http.response.start", "status": 200, "headers": length})
    await send({"type": "http.response.body", "body": answer[:5], "more_body": True})
    await send({"type": "http.response.body", "body": answer[5:]})


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with listening(echo) as url:
        yield url


def exchange(url: str, *segments: bytes, answers: int = 1) -> list[tuple[int, dict[str, str], Any]]:
    """Send segments one by one; status, headers and decoded body of each answer."""
    parts = urlsplit(url)
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    found: list[tuple[int, dict[str, str], Any]] = []
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for segment in segments:
            connection.sendall(segment)
        body = b""
        while len(found) < answers:
            event = client.next_event()
            if event is h11.NEED_DATA:
                client.receive_data(connection.recv(65536))
            elif isinstance(event, h11.Response):
                status, headers, body = event.status_code, dict(event.headers), b""
            elif isinstance(event, h11.Data):
                body += event.data
            elif isinstance(event, h11.EndOfMessage):
                named = {name.decode(): value.decode() for name, value in headers.items()}
                found.append((status, named, json.loads(body)))
                if len(found) < answers:
                    client.start_next_cycle()
                    client.send(h11.Request(method="POST", target="/", headers=[("host", "x")]))
                    client.send(h11.EndOfMessage())
    return found


@pytest.mark.parametrize("segments", [1, 2, 3])
@pytest.mark.parametrize(
    ("length", "body", "sent"),
    [
        (b"content-length: 5\r\n", b"hello", "hello"),
        (CHUNKED, b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", "hello"),
        (b"", b"", ""),
    ],
)
@pytest.mark.parametrize(
    "upgrade",
    [
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n",
        b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
        b"Connection: keep-alive\r\nconnection: UPGRADE\r\nupgrade: TLS/1.2\r\nUPGRADE: a, b\r\n",
    ],
)
def test_upgrade_is_ignored_and_the_body_is_read(
    url: str, upgrade: bytes, length: bytes, body: bytes, sent: str, segments: int
) -> None:
    head = b"POST /a/_search HTTP/1.1\r\n" + HOST + upgrade + length + b"\r\n"
    cut = {1: [head + body], 2: [head, body], 3: [head[:60], head[60:], body]}[segments]
    following = b"GET /next HTTP/1.1\r\n" + HOST + b"\r\n"
    one, two = exchange(url, *cut, following, answers=2)
    assert (one[0], one[2][:2], one[2][3]) == (200, ["POST", "/a/_search"], sent)
    assert (two[0], two[2][:2]) == (200, ["GET", "/next"])


@pytest.mark.parametrize("pause", [False, True])
def test_trailers_are_no_headers(url: str, pause: bool) -> None:
    head = b"POST /a HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n"
    end = b"3\r\nabc\r\n0\r\nAuthorization: Basic evil\r\nes-security-runas-user: admin\r\n\r\n"
    ((status, _, seen),) = exchange(url, *([head, end] if pause else [head + end]))
    assert (status, seen[2], seen[3]) == (200, {"host": "x", "transfer-encoding": "chunked"}, "abc")


@pytest.mark.parametrize("target", [b"/streamed", b"/whole"])
def test_http_1_0_gets_no_chunks(url: str, target: bytes) -> None:
    head, _, body = raw(url, b"GET %s HTTP/1.0\r\n\r\n" % target).partition(b"\r\n\r\n")
    assert b"transfer-encoding" not in head
    assert json.loads(body) == ["GET", target.decode(), {}, ""]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"CONNECT x:80 HTTP/1.1\r\n" + HOST, 400),
        (b"GET / HTTP/2.0\r\n" + HOST, 505),
        (b"GET / HTTP/1.1\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + HOST, 400),
        (b"POST / HTTP/1.1\r\n" + HOST + b"transfer-encoding: gzip, chunked\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: " + b"v" * 66_000 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"x: v\r\n" * 200, 431),
        (b"GET /" + b"v" * 66_000 + b" HTTP/1.1\r\n" + HOST, 431),
    ],
)
def test_a_head_that_is_refused(url: str, request_: bytes, status: int) -> None:
    head, _, body = raw(url, request_ + b"\r\n").partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"connection: close" in head
    assert json.loads(body)["status"] == status


@pytest.mark.parametrize(
    ("beginning", "more"),
    [
        (b"GET / HTTP/1.1\r\nx: ", b"v" * 4096),
        (b"GET / HTTP/1.1\r\n", b"x-header: value\r\n" * 100),
        (b"GET /", b"v" * 4096),
        (b"", b"\r\n" * 2048),
        (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n0\r\n", b"x: v\r\n" * 100),
        (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n0\r\nx: ", b"v" * 4096),
        (b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n1;", b"v" * 4096),
    ],
)
def test_a_head_without_end_is_refused_after_a_bounded_number_of_bytes(
    url: str, beginning: bytes, more: bytes
) -> None:
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(beginning)
        sent, got = 0, b""
        while not got:
            assert sent < 16 * MIB, "the server reads on and on"
            connection.sendall(more)
            sent += len(more)
            if sent % 32 == 0:  # not so fast that the answer has no time to arrive
                connection.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    got = connection.recv(65536)
                connection.settimeout(PATIENCE)
    assert got.startswith(b"HTTP/1.1 431 ")


def test_requests_before_a_refused_one_are_answered(url: str) -> None:
    valid = b"POST / HTTP/1.1\r\n" + HOST + b"content-length: 2\r\n\r\nab"
    got = raw(url, valid + valid + b"nonsense\r\n\r\n")
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert got.count(b"HTTP/1.1 ") == 2


def test_pipelined_requests_are_limited(url: str) -> None:
    got = raw(url, (b"GET / HTTP/1.1\r\n" + HOST + b"\r\n") * 10_000, limit=MIB)
    assert 10 <= got.count(b"HTTP/1.1 200 OK") <= 100
    assert got.count(b"HTTP/1.1 ") == got.count(b"HTTP/1.1 200 OK")


def test_a_broken_body_is_refused(url: str) -> None:
    got = raw(url, b"POST / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n1\r\na\r\nx\r\n")
    assert got.startswith(b"HTTP/1.1 400 ")
    assert got.count(b"HTTP/1.1 ") == 1


# Every way to cut the same bytes gives the same requests, which are those that h11 reads.

_TOKENS = st.sampled_from([b"keep-alive", b"Upgrade", b"upgrade, x-a", b"TE , UPGRADE", b"x-b"])
_HEADERS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from([b"Connection", b"CONNECTION"]), _TOKENS),
        st.tuples(st.sampled_from([b"Upgrade", b"upgrade"]), st.sampled_from([b"h2c", b"TLS/1.2"])),
        st.tuples(st.sampled_from([b"X-A", b"x-b"]), st.sampled_from([b"", b"1", b"a \t b"])),
    ),
    max_size=5,
)
_TRAILERS = st.lists(st.sampled_from([b"X-A: evil\r\n", b"upgrade: h2c\r\n"]), max_size=2)
_PIECES = st.lists(st.binary(min_size=1, max_size=20), max_size=3)


@st.composite
def requests(draw: st.DrawFn) -> bytes:
    """A valid request."""
    method = draw(st.sampled_from([b"GET", b"POST", b"HEAD", b"DELETE"]))
    target = draw(st.sampled_from([b"/", b"/a/_search?q=1", b"//..%2f", b"/%C3%A4"]))
    lines = [b"%s %s HTTP/1.1" % (method, target), b"Host: x"]
    lines += [b"%s: %s" % header for header in draw(_HEADERS)]
    pieces = draw(_PIECES)
    match draw(st.sampled_from(["none", "length", "chunked"])):
        case "length":
            body = b"".join(pieces)
            lines.append(b"Content-Length: %d" % len(body))
        case "chunked":
            body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
            body += b"0\r\n" + b"".join(draw(_TRAILERS)) + b"\r\n"
            lines.append(b"Transfer-Encoding: chunked")
        case _:
            body = b""
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


@settings(deadline=None)
@given(st.lists(requests(), min_size=1, max_size=4), st.data(), st.booleans())
def test_however_a_stream_is_cut_it_has_the_same_requests(
    sent: list[bytes], data: st.DataObject, at_leisure: bool
) -> None:
    stream = b"".join(sent)
    places = st.lists(st.integers(0, len(stream)), max_size=8)
    cuts = [0, *sorted(data.draw(places)), len(stream)]
    segments = [stream[start:end] for start, end in itertools.pairwise(cuts)]
    expected = read_by_h11(stream)
    assert len(expected) == len(sent)
    assert read_by_us(segments, at_leisure=at_leisure) == expected
    single = [stream[place : place + 1] for place in range(len(stream))]
    assert read_by_us(single, at_leisure=at_leisure) == expected


def read_by_h11(stream: bytes) -> list[Seen]:
    """Requests in a stream according to h11."""
    server = h11.Connection(h11.SERVER)
    server.receive_data(stream)
    found: list[Seen] = []
    while (event := server.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
        if isinstance(event, h11.Request):
            headers = without_upgrade(event.headers)
            seen = Seen(event.method.decode(), event.target, headers, b"")
        elif isinstance(event, h11.Data):
            seen = seen._replace(body=seen.body + bytes(event.data))
        elif isinstance(event, h11.EndOfMessage):
            found.append(seen)
            server.send(h11.Response(status_code=200, headers=[("content-length", "0")]))
            server.send(h11.EndOfMessage())
            server.start_next_cycle()
    return found


def without_upgrade(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """The headers that both must agree on."""
    return [header for header in headers if header[0] != b"upgrade"]


class Wire(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def write_eof(self) -> None:
        """Nothing to do."""

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def pause_reading(self) -> None:
        """The test feeds segments regardless: they count as received before."""

    def resume_reading(self) -> None:
        """See `pause_reading`."""


def read_by_us(segments: Iterable[bytes], *, at_leisure: bool) -> list[Seen]:
    """Requests in a stream that an application sees.

    Args:
        at_leisure: The application runs between two segments.
    """
    found: list[Seen] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen = await received(scope, receive)
        found.append(seen._replace(headers=without_upgrade(seen.headers)))
        answer: list[Message] = [
            {"type": "http.response.start", "status": 204, "headers": []},
            {"type": "http.response.body", "body": b""},
        ]
        for message in answer:
            await send(message)

    async def feed() -> None:
        connections = Connections(limit=1)
        config = uvicorn.Config(app, http=RequestProtocol, ws="none", log_config=None)
        protocol = RequestProtocol(config, connections, {})
        protocol.connection_made(Wire())
        for segment in segments:
            protocol.data_received(segment)
            if at_leisure:
                await asyncio.sleep(0)
        while connections.tasks:
            await asyncio.gather(*connections.tasks)

    asyncio.run(feed())
    return found
