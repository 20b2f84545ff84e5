"""Requests and answers pass through unchanged, with the caller's own credentials."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme

from tests.fakes.http import Answer, HttpServer, RawServer, Request, dead_url, trickle
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import ask, raw, serving

OURS = "b3VyLWtleTpjYW5hcnk="


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with (
        HttpServer() as server,
        serving(server.url, embedder=FakeEmbedder(), elasticsearch={"api_key": OURS}) as address,
    ):
        yield server, address


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/"),
        ("GET", "/_cat/indices?v&h=index%2Chealth"),
        ("PUT", "/products"),
        ("DELETE", "/search"),
        ("HEAD", "/metrics"),
        ("POST", "/%3Clogstash-%7Bnow%2Fd%7D%3E/_doc?refresh=true"),
        ("GET", "/a/../_search/scroll"),
        ("GET", "/..%2f..%2fetc"),
        ("GET", "//_cluster//health"),
        ("POST", "/products/_search/template"),
        ("POST", "/v1/_doc"),
        ("GET", "/v1/_search"),
        ("OPTIONS", "/products"),
    ],
)
def test_method_path_and_query_arrive_as_they_were_sent(
    url: str, upstream: HttpServer, method: str, target: str
) -> None:
    assert ask(url, target, method=method).status == 200
    assert [(seen.method, seen.target) for seen in upstream.seen] == [(method, target)]


def test_headers_arrive_except_those_of_the_connection(url: str, upstream: HttpServer) -> None:
    sent = {
        "Accept": "application/vnd.elasticsearch+json; compatible-with=9",
        "X-Opaque-Id": "job-7",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "Connection": "X-Private",
        "X-Private": "between us",
        "Keep-Alive": "timeout=5",
        "TE": "trailers",
        "Proxy-Authorization": "Basic abc",
    }
    ask(url, "/_nodes", headers=sent)
    (seen,) = upstream.seen
    for name in ("Accept", "X-Opaque-Id", "traceparent"):
        assert seen.header(name) == sent[name]
    for name in ("Connection", "X-Private", "Keep-Alive", "TE", "Proxy-Authorization"):
        assert seen.header(name) is None
    assert seen.header("Host") == urlsplit(upstream.url).netloc


def test_the_answer_comes_back_as_it_was_given(url: str, upstream: HttpServer) -> None:
    body = gzip.compress(b'{"hits": 1}')
    upstream.script = lambda seen: Answer(
        404,
        body,
        [
            ("X-Elastic-Product", "Elasticsearch"),
            ("Content-Encoding", "gzip"),
            ("Warning", "299 one"),
            ("Warning", "299 two"),
            ("Connection", "X-Between"),
            ("X-Between", "us"),
        ],
    )
    got = ask(url, "/_nodes", headers={"Accept-Encoding": "gzip"})
    assert (got.status, got.body) == (404, body)
    assert got.headers["Content-Encoding"] == "gzip"
    assert got.headers.get_all("Warning") == ["299 one", "299 two"]
    assert got.headers["X-Between"] is None
    assert got.headers["Server"] is None or "uvicorn" in got.headers["Server"]


def test_the_answer_to_head_keeps_its_content_length(url: str, upstream: HttpServer) -> None:
    upstream.script = lambda seen: Answer(body=b"x" * 1234)
    for _ in range(2):
        got = ask(url, "/products", method="HEAD")
        assert (got.status, got.headers["Content-Length"], got.body) == (200, "1234", b"")


def test_a_chunked_body_and_a_chunked_answer_pass(url: str, upstream: HttpServer) -> None:
    upstream.script = lambda seen: Answer(chunks=[seen.body, b"end"])
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("POST", "/_bulk", body=iter([b"one\n", b"two\n"]), encode_chunked=True)
    assert connection.getresponse().read() == b"one\ntwo\nend"
    connection.close()
    assert upstream.seen[0].header("Transfer-Encoding") == "chunked"


def test_a_search_for_elasticsearch_passes_byte_for_byte(url: str, upstream: HttpServer) -> None:
    bodies = {
        "/products/_search": b'{ "query":{"match_all" : {}}, "size": 1e1 }',
        "/_search?q=a": b"",
        "/_msearch": b'{}\n{"query":  {"match_all":{}}}\n',
        "/products/_msearch": b"no json \xff",
        "/p/_search": b'{"retriever": {"standard": {"query": {"match": {"rrf": "linear"}}}}}',
        "/q/_search": b'{"retriever": {',
        "/r/_search": b'["retriever"]',
    }
    for target, body in bodies.items():
        ask(url, target, method="POST", body=body, headers={"Content-Type": "application/json"})
    assert {seen.target: seen.body for seen in upstream.seen} == bodies


@pytest.mark.parametrize(
    "target", ["/products/_doc/1", "/products/_search", "/_msearch", "/_bulk", "/_cluster/health"]
)
def test_the_callers_credentials_arrive_and_ours_never_do(
    url: str, upstream: HttpServer, target: str
) -> None:
    body = b'{"query": {}}\n'
    json_type = {"Content-Type": "application/json"}
    ask(url, target, method="POST", body=body, headers={"Authorization": "Basic dTpw", **json_type})
    ask(url, target, method="POST", body=body, headers=json_type)
    assert [seen.header("Authorization") for seen in upstream.seen] == ["Basic dTpw", None]


def test_a_redirect_is_passed_back(url: str, upstream: HttpServer) -> None:
    upstream.script = lambda seen: Answer(302, headers={"Location": "http://192.0.2.1/steal"})
    got = ask(url, "/_nodes", headers={"Authorization": "Basic dTpw"})
    assert (got.status, got.headers["Location"]) == (302, "http://192.0.2.1/steal")
    assert len(upstream.seen) == 1


def test_a_request_gets_an_id_or_keeps_a_valid_one(url: str, upstream: HttpServer) -> None:
    made = ask(url, "/_nodes").headers["X-Request-Id"]
    assert len(made) == 16
    assert ask(url, "/_nodes", headers={"X-Request-Id": "a.b-1"}).headers["X-Request-Id"] == "a.b-1"
    for strange in ("a b", "x" * 129, 'a"b', "ä"):
        got = ask(url, "/_nodes", headers={"X-Request-Id": strange})
        assert len(got.headers["X-Request-Id"]) == 16


def test_connections_are_kept_and_used_again(url: str, upstream: HttpServer) -> None:
    assert ask(url, "/_nodes").status == 200
    connections = upstream.connections
    for method in ("GET", "HEAD", "POST", "DELETE"):
        assert ask(url, "/_nodes", method=method).status == 200
    assert upstream.connections == connections


def test_an_early_answer_ends_an_upload(url: str) -> None:
    answer = b"HTTP/1.1 413 Too Large\r\ncontent-length: 7\r\nconnection: close\r\n\r\nenough!"
    with (
        RawServer(answer) as refusing,
        serving(refusing.url, embedder=FakeEmbedder()) as address,
    ):
        head = b"POST /_bulk HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
        got = raw(address, head + b"content-length: 1000000\r\n\r\n" + b"x" * 1000)
    assert got.startswith(b"HTTP/1.1 413 ")
    assert got.endswith(b"enough!")


def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    with (
        RawServer(b"HTTP/1.1 200 OK\r\n\r\nall of it") as old,
        serving(old.url, embedder=FakeEmbedder()) as address,
    ):
        assert ask(address, "/_nodes").body == b"all of it"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 502),
        (b"HTTP/1.1 200 OK\r\ncontent-", 502),
        (b"SSH-2.0-OpenSSH_9.9\r\n", 502),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello", 502),
    ],
)
def test_an_answer_that_is_not_http_is_an_error_in_elasticsearchs_form(
    answer: bytes, status: int
) -> None:
    with (
        RawServer(answer) as broken,
        serving(broken.url, embedder=FakeEmbedder()) as address,
    ):
        got = ask(address, "/_nodes")
        assert broken.requests == 1
    assert got.status == got.json()["status"] == status
    assert got.json()["error"]["type"] == "upstream_exception"
    assert got.headers["X-Elastic-Product"] == "Elasticsearch"


def test_an_incomplete_answer_stays_incomplete() -> None:
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf"
    with (
        RawServer(answer) as broken,
        serving(broken.url, embedder=FakeEmbedder()) as address,
        pytest.raises(http.client.IncompleteRead),
    ):
        ask(address, "/_nodes")


def test_a_dead_elasticsearch_is_503() -> None:
    with serving(dead_url(), embedder=FakeEmbedder()) as address:
        for target in ("/_nodes", "/products/_search"):
            got = ask(address, target, headers={"Accept": "application/json"})
            assert got.status == 503
            assert "cannot be reached" in got.json()["error"]["reason"]


def test_an_idle_connection_that_was_closed_is_replaced_for_searches_only() -> None:
    """The fake closes each connection after its first answer, without `Connection: close`."""
    answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"
    with RawServer(answer) as closing, serving(closing.url, embedder=FakeEmbedder()) as address:
        for target in ("/_nodes", "/_nodes", "/a/_search", "/a/_search"):
            assert ask(address, target).status == 200
        assert closing.requests == 4


RRF = b'{"retriever": {"rrf": {"retrievers": [{"standard": {}}, {"standard": {}}]}}}'


@pytest.mark.parametrize("body", [b"{}", RRF])
def test_a_disconnect_of_the_caller_reaches_elasticsearch(
    url: str, upstream: HttpServer, body: bytes
) -> None:
    go_on = threading.Event()

    def slow(seen: Request) -> Answer:
        go_on.wait(PATIENCE)
        return Answer(body=b"x" * 10_000_000)

    upstream.script = slow
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        head = b"POST /a/_search HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        connection.sendall(b"%scontent-length: %d\r\n\r\n%s" % (head, len(body), body))
        wait_until(lambda: bool(upstream.seen))
    # Only the request for the metrics itself is left.
    wait_until(lambda: "es_hybrid_in_flight 1.0" in ask(url, "/metrics").body.decode())
    go_on.set()
    assert upstream.broken_off.wait(PATIENCE)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_caller_who_leaves_after_a_streamed_body_ends_the_request(
    url: str, upstream: HttpServer, chunked: bool
) -> None:
    go_on = threading.Event()
    upstream.script = lambda seen: Answer(chunks=trickle(go_on))
    body = b"x" * 100_000
    framing = b"transfer-encoding: chunked" if chunked else b"content-length: %d" % len(body)
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as caller:
        caller.sendall(
            b"POST /_bulk HTTP/1.1\r\nhost: localhost\r\n" + framing + b"\r\n\r\n" + sent
        )
        assert caller.recv(12) == b"HTTP/1.1 200"
    try:
        assert upstream.broken_off.wait(PATIENCE)
        assert upstream.seen[0].body == body
    finally:
        go_on.set()


def test_elasticsearch_behind_tls(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with HttpServer(tls=context) as upstream:
        for trusted, status in (({"ca_certs": tmp_path / "ca.pem"}, 200), ({}, 502)):
            with serving(upstream.url, embedder=FakeEmbedder(), elasticsearch=trusted) as address:
                got = ask(address, "/_nodes")
                assert got.status == status
        assert "TLS handshake" in got.json()["error"]["reason"]
        assert len(upstream.seen) == 1


def test_the_media_type_of_an_error_is_the_one_the_client_asked_for() -> None:
    versioned = "application/vnd.elasticsearch+json; compatible-with=8"
    with serving(dead_url(), embedder=FakeEmbedder()) as address:
        got = ask(address, "/a/_search", headers={"Accept": versioned})
    assert got.headers["Content-Type"] == "application/vnd.elasticsearch+json;compatible-with=8"
    assert json.loads(got.body)["status"] == 503
