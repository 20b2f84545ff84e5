"""Ambiguous requests, over raw sockets."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes.http import Answer, HttpServer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import ask, raw, serving


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer() as server, serving(server.url, embedder=FakeEmbedder()) as address:
        yield server, address


@pytest.mark.parametrize(
    "head",
    [
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\ncontent-length: 30\r\n\r\nabc",
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /secret HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\nabc",
        b"POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: 3 \x00\r\n\r\nabc",
        b"GET /_nodes HTTP/1.1\r\nhost: x\r\nbad header: 1\r\n\r\n",
        b"GET /_nodes HTTP/1.1\r\nhost: x\r\nx: a\x00b\r\n\r\n",
        b"GET /_nodes\x01 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET @192.0.2.1/ HTTP/1.1\r\nhost: x\r\n\r\n",
        b"nonsense\r\n\r\n",
    ],
)
def test_an_ambiguous_request_is_refused_and_goes_nowhere(
    url: str, upstream: HttpServer, head: bytes
) -> None:
    got = raw(url, head)
    assert got.startswith(b"HTTP/1.1 400 "), got
    assert got.count(b"HTTP/1.1 ") == 1
    assert upstream.seen == []


def test_a_target_with_a_host_reaches_elasticsearch_and_no_other(
    url: str, upstream: HttpServer
) -> None:
    raw(url, b"GET http://192.0.2.1/_nodes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    assert [seen.target for seen in upstream.seen] == ["/_nodes"]


def test_two_requests_in_one_packet_are_two(url: str, upstream: HttpServer) -> None:
    one = b"POST /_bulk HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\nabc"
    two = b"GET /_nodes HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    got = raw(url, one + two)
    assert got.count(b"HTTP/1.1 200 OK") == 2
    assert [(seen.target, seen.body) for seen in upstream.seen] == [
        ("/_bulk", b"abc"),
        ("/_nodes", b""),
    ]


def test_an_answer_with_a_smuggled_second_one_ends_at_its_length(
    url: str, upstream: HttpServer
) -> None:
    second = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison"
    upstream.script = lambda seen: Answer(chunks=[second])
    assert ask(url, "/_nodes").body == second
    upstream.forget()
    assert ask(url, "/_nodes").body == b"{}"


def test_many_headers_and_long_ones_pass(url: str, upstream: HttpServer) -> None:
    headers = {f"X-H-{number}": "v" * 100 for number in range(90)}
    assert ask(url, "/_nodes", headers=headers).status == 200
    assert upstream.seen[0].header("X-H-89") == "v" * 100
