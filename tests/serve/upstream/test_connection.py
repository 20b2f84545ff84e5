"""What the server takes from Elasticsearch's bytes, however they arrive and whatever they are."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any, NamedTuple

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.http.refusal import UpstreamError
from es_hybrid.serve.upstream.connection import Connection

OK = b"HTTP/1.1 200 OK\r\n"
TWO = b"content-length: 2\r\n\r\nab"


class Reply(NamedTuple):
    """An answer as it was read, and whether the connection can be used again."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    reusable: bool


class Wire(asyncio.Transport):
    """A transport that leads nowhere."""

    def __init__(self, protocol: Connection) -> None:
        super().__init__()
        self._protocol = protocol
        self.aborted = False

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return self if name == "socket" else default

    def setsockopt(self, *option: int) -> None:
        """Nothing to do."""

    def write(self, data: Any) -> None:
        """Nothing to do."""

    def pause_reading(self) -> None:
        """The test feeds on."""

    def resume_reading(self) -> None:
        """The test feeds on."""

    def abort(self) -> None:
        if not self.aborted:
            self.aborted = True
            self._protocol.connection_lost(None)


def read(*segments: bytes, method: str = "GET", ends: bool = True) -> Reply:
    """The answer in these segments.

    Args:
        ends: The connection closes after them.
    """

    async def reading() -> Reply:
        connection = Connection("place")
        wire = Wire(connection)
        connection.connection_made(wire)
        connection.begin(b"", answer_has_body=method != "HEAD")
        for segment in segments:
            if not wire.aborted:
                connection.data_received(segment)
        reusable = connection.reusable
        if ends and not wire.aborted:
            wire.abort()
        await connection.head()
        headers = list(connection.headers)
        return Reply(connection.status, headers, await connection.whole(), reusable)

    return asyncio.run(reading())


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "more", [b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", b"HTTP/1.1 100", b"x", b"\0"]
)
def test_bytes_after_an_answer_are_not_part_of_it(more: bytes, method: str) -> None:
    answer = OK + (TWO if method == "GET" else b"content-length: 2\r\n\r\n")
    expected = Reply(
        200, [(b"content-length", b"2")], b"ab" if method == "GET" else b"", reusable=False
    )
    assert read(answer + more, method=method) == expected


def test_an_answer_alone_leaves_the_connection_usable() -> None:
    assert read(OK + TWO).reusable
    assert not read(OK + b"Connection: Close\r\n" + TWO).reusable
    assert not read(OK + b"Connection: Close\r\n" + TWO[:21], method="HEAD").reusable


def test_trailers_are_no_headers() -> None:
    answer = OK + b"transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nset-cookie: evil\r\n\r\n"
    assert read(answer).headers == [(b"transfer-encoding", b"chunked")]
    assert read(answer).body == b"a"


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 000 ?\r\n" + TWO,
        b"HTTP/1.1 099 ?\r\n" + TWO,
        b"HTTP/1.1 999 ?\r\n" + TWO,
        b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n",
        OK + b"x: " + b"v" * 1_000_000,
        OK + b"x: v\r\n" * 200_000,
        b"HTTP/1.1 100 Continue\r\n\r\n" * 20_000,
        b"\r\n" * 200_000,
    ],
)
def test_what_is_no_answer_is_an_error_after_a_bounded_number_of_bytes(answer: bytes) -> None:
    segments = [answer[start : start + 65536] for start in range(0, len(answer), 65536)]
    with pytest.raises(UpstreamError) as error:
        read(*segments, ends=False)
    assert error.value.status == 502


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A valid answer to GET."""
    status = draw(st.sampled_from([200, 201, 204, 304, 404, 503]))
    names = st.sampled_from([b"X-A", b"warning"])
    lines = [b"%s: 1" % name for name in draw(st.lists(names, max_size=3))]
    pieces = draw(st.lists(st.binary(min_size=1, max_size=20), max_size=3))
    body = b"".join(pieces)
    if status in (204, 304):
        body = b""
    elif draw(st.booleans()):
        lines.append(b"Transfer-Encoding: chunked")
        trailer = draw(st.sampled_from([b"", b"X-A: evil\r\n"]))
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
        body += b"0\r\n" + trailer + b"\r\n"
    elif draw(st.booleans()):
        lines.append(b"Content-Length: %d" % len(body))
    interim = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * draw(st.integers(0, 2))
    return interim + b"\r\n".join([b"HTTP/1.1 %d X" % status, *lines]) + b"\r\n\r\n" + body


@settings(deadline=None)
@given(answers(), st.data())
def test_however_an_answer_is_cut_it_is_the_same(answer: bytes, data: st.DataObject) -> None:
    places = data.draw(st.lists(st.integers(0, len(answer)), max_size=8))
    cuts = [0, *sorted(places), len(answer)]
    expected = read_by_h11(answer)
    segments = [answer[start:end] for start, end in itertools.pairwise(cuts)]
    assert read(*segments)[:3] == expected
    assert read(*(answer[place : place + 1] for place in range(len(answer))))[:3] == expected


def read_by_h11(answer: bytes) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body according to h11."""
    client = h11.Connection(h11.CLIENT)
    client.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    client.send(h11.EndOfMessage())
    client.receive_data(answer)
    client.receive_data(b"")
    body = b""
    while True:
        match client.next_event():
            case h11.Response() as head:
                status, headers = head.status_code, list(head.headers)
            case h11.Data() as piece:
                body += bytes(piece.data)
            case h11.EndOfMessage():
                return status, headers, body
