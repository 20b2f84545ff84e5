"""Ambiguous requests, over raw sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from tests.fakes.http import Answer, HttpServer
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import ask, raw, serving

BULK = b"POST /_bulk HTTP/1.1\r\nhost: localhost\r\n"


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer() as server, serving(server.url, embedder=FakeEmbedder()) as address:
        yield server, address


@pytest.mark.parametrize(
    "head",
    [
        BULK + b"content-length: 3\r\ncontent-length: 30\r\n\r\nabc",
        BULK + b"content-length: 3\r\n"
        b"transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /a HTTP/1.1\r\nhost: localhost\r\n\r\n",
        BULK + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        BULK + b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
        BULK + b"content-length: -1\r\n\r\nabc",
        BULK + b"content-length: 3 \x00\r\n\r\nabc",
        b"GET /_nodes HTTP/1.1\r\nhost: localhost\r\nbad header: 1\r\n\r\n",
        b"GET /_nodes HTTP/1.1\r\nhost: localhost\r\nx: a\x00b\r\n\r\n",
        b"GET /_nodes\x01 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"GET @192.0.2.1/ HTTP/1.1\r\nhost: localhost\r\n\r\n",
        BULK + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        BULK + b"content-length: +3\r\n\r\nabc",
        BULK + b"content-length: 0x3\r\n\r\nabc",
        BULK + b"content-length : 3\r\n\r\nabc",
        b"GET /_nodes HTTP/1.1\r\nhost: localhost\r\nx: a\r\n b\r\n\r\n",
        b"GET /_nodes HTTP/1.1\nhost: x\n\n",
        b"GET /_nodes HTTP/1.1\r\nhost: localhost\r\nx: a\rb\r\n\r\n",
        b"CONNECT x:80 HTTP/1.1\r\nhost: localhost\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
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
    raw(
        url, b"GET http://192.0.2.1/_nodes HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
    )
    assert [seen.target for seen in upstream.seen] == ["/_nodes"]


def test_two_requests_in_one_packet_are_two(url: str, upstream: HttpServer) -> None:
    one = BULK + b"content-length: 3\r\n\r\nabc"
    two = b"GET /_nodes HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n"
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


@pytest.mark.parametrize("to", [b"h2c", b"TLS/1.2", b"websocket"])
def test_a_body_is_no_request_whatever_its_caller_wants_to_upgrade_to(
    url: str, upstream: HttpServer, to: bytes
) -> None:
    smuggled = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\nauthorization: Basic dmljdGlt\r\n\r\n"
    head = BULK + b"upgrade: %s\r\nconnection: close, upgrade\r\n" % to
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as connection:
        connection.sendall(head + b"content-length: %d\r\n\r\n" % len(smuggled))
        wait_until(lambda: "es_hybrid_in_flight 2.0" in ask(url, "/metrics").body.decode())
        connection.sendall(smuggled)
        got = b"".join(iter(lambda: connection.recv(65536), b""))
    assert got.count(b"HTTP/1.1 200 OK") == got.count(b"HTTP/1.1 ") == 1
    assert [(seen.target, seen.body) for seen in upstream.seen] == [("/_bulk", smuggled)]
    assert upstream.seen[0].header("Upgrade") is None


def test_trailers_never_become_headers(url: str, upstream: HttpServer) -> None:
    head = BULK + b"connection: close\r\ntransfer-encoding: chunked\r\n"
    end = b"\r\n0\r\nAuthorization: Basic evil\r\nes-security-runas-user: admin\r\n\r\n"
    assert raw(url, head + end).startswith(b"HTTP/1.1 200 ")
    assert upstream.seen[0].header("Authorization") is None
    assert upstream.seen[0].header("es-security-runas-user") is None


def test_http_1_0_gets_an_answer_without_a_length_unchunked(url: str, upstream: HttpServer) -> None:
    upstream.script = lambda seen: Answer(chunks=[b"one", b"two"])
    got = raw(url, b"GET /_nodes HTTP/1.0\r\n\r\n")
    assert got.endswith(b"\r\n\r\nonetwo")
    assert b"transfer-encoding" not in got.lower()
