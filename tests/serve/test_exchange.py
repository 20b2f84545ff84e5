"""Headers and encoding of answers of es-hybrid's own, compared with those of Elasticsearch."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.exchange import Exchange
from es_hybrid.serve.workers import Workers
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import OWN_QUERY, RRF, search
from tests.serve.running import Got, ask, serving

PLAIN: dict[str, Any] = {"query": {"match_all": {}}}
HYBRID = [{"retriever": RRF}, OWN_QUERY]
# How a body is framed and where it says so is the transport's affair.
_FRAMING = ("content-length", "transfer-encoding")


def _comparable(got: Got) -> dict[str, str]:
    headers = {name.lower(): value for name, value in got.headers.items()}
    return {name: value for name, value in headers.items() if name not in _FRAMING}


@pytest.mark.parametrize("body", HYBRID)
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Opaque-Id": "a shop, 7"},
        {"Accept": "*/*"},
        {"Accept": "application/json; charset=UTF-8"},
        {"Accept": "text/html, application/json;q=0.9"},
        *(
            {"Accept": kind, "Content-Type": kind, "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
            for kind in (
                "application/vnd.elasticsearch+json; compatible-with=8",
                "application/vnd.elasticsearch+json;compatible-with=9",
            )
        ),
    ],
)
def test_the_headers_are_those_of_elasticsearch_s_own_answer(
    node: EmbeddedNode, served: str, products: str, body: Any, headers: dict[str, str]
) -> None:
    theirs = search(node.url, products, PLAIN, **headers)
    ours = search(served, products, body, **headers)
    assert (ours.status, theirs.status) == (200, 200)
    got = _comparable(ours)
    assert got.pop("x-request-id")
    assert got == _comparable(theirs)


@pytest.mark.parametrize("body", [{"retriever": {"rrf": {"nonsense": 1}}}, {"retriever": 7}])
def test_so_are_those_of_a_refusal(
    node: EmbeddedNode, served: str, products: str, body: Any
) -> None:
    headers = {
        "X-Opaque-Id": "abc",
        "Accept": "application/vnd.elasticsearch+json; compatible-with=9",
        "Content-Type": "application/vnd.elasticsearch+json; compatible-with=9",
    }
    theirs = search(node.url, products, {"query": {"nonsense": {}}}, **headers)
    ours = search(served, products, body, **headers)
    assert (ours.status, theirs.status) == (400, 400)
    got = _comparable(ours)
    assert got.pop("x-request-id")
    assert got == _comparable(theirs)


@pytest.mark.parametrize("target", ["/{index}", "/{index}/_search", "/_msearch", "/{index}/_doc/1"])
def test_head_is_answered_as_by_elasticsearch(
    node: EmbeddedNode, served: str, products: str, target: str
) -> None:
    path = target.format(index=products)
    theirs, ours = (ask(url, path, method="HEAD") for url in (node.url, served))
    assert (ours.status, ours.body) == (theirs.status, b"")
    got = _comparable(ours)
    assert got.pop("x-request-id")
    assert got == _comparable(theirs)


def test_own_endpoints_repeat_the_opaque_id_and_name_the_product(served: str) -> None:
    for path in ("/healthz", "/v1/openapi.json", "/search"):
        method = "POST" if path == "/search" else "GET"
        got = ask(served, path, method=method, headers={"X-Opaque-Id": "abc"})
        assert got.headers["x-opaque-id"] == "abc"
        assert got.headers.get_all("x-elastic-product") == ["Elasticsearch"]


@pytest.mark.parametrize("size", [1, 200], ids=["at-once", "in-a-thread"])
def test_a_long_answer_is_compressed_for_those_who_accept_it(
    node: EmbeddedNode, served: str, products: str, size: int
) -> None:
    aggs = {f"a{number}": {"terms": {"field": "brand"}} for number in range(20 * size)}
    body = {"retriever": RRF, "aggs": aggs}
    plain = search(served, products, body)
    packed = search(served, products, body, **{"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["content-length"] == str(len(packed.body))
    assert len(packed.body) < len(plain.body) / 4
    one, other = plain.json(), Got(200, packed.headers, gzip.decompress(packed.body)).json()
    assert {**one, "took": 0} == {**other, "took": 0}
    theirs = search(node.url, products, {**PLAIN, "aggs": aggs}, **{"Accept-Encoding": "br, gzip"})
    got = _comparable(packed)
    del got["x-request-id"]
    assert got == _comparable(theirs)


def test_a_short_answer_is_not_compressed(served: str, products: str) -> None:
    got = search(served, products, {"retriever": RRF, "size": 0}, **{"Accept-Encoding": "gzip"})
    assert "content-encoding" not in got.headers
    assert got.json()["hits"]["hits"] == []


def test_own_endpoints_compress_and_tell_caches(served: str, products: str) -> None:
    got = ask(served, "/v1/openapi.json", headers={"Accept-Encoding": "gzip"})
    assert (got.headers["content-encoding"], got.headers["vary"]) == ("gzip", "accept-encoding")
    plain = ask(served, "/v1/openapi.json")
    assert plain.headers["vary"] == "accept-encoding"
    assert gzip.decompress(got.body) == plain.body


def test_gzip_of_the_pass_through_is_elasticsearch_s(served: str, products: str) -> None:
    got = search(served, products, PLAIN, **{"Accept-Encoding": "gzip"})
    assert got.headers.get_all("content-encoding") == ["gzip"]
    assert b"red shoe" in gzip.decompress(got.body)


def test_an_answer_in_parts_is_passed_on_as_it_comes() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(dict(message))

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        kind = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        for part in (b"[" * 5000, b""):
            await send({"type": "http.response.body", "body": part, "more_body": bool(part)})

    headers = [(b"accept-encoding", b"gzip"), (b"x-opaque-id", b"abc")]
    scope = {"method": "GET", "raw_path": b"/", "headers": headers, "query_string": b""}
    exchange = Exchange(scope, receive, send, Workers())
    asyncio.run(exchange.hand_over(application))
    head, first, last = sent
    names = {name for name, _ in head["headers"]}
    assert (exchange.status, head["status"], b"content-encoding" in names) == (200, 200, False)
    assert names >= {b"x-opaque-id", b"x-request-id", b"x-elastic-product"}
    assert (first["body"], last["body"]) == (b"[" * 5000, b"")


WARNINGS = ['299 Elasticsearch-9.5.3-367 "first"', '299 Elasticsearch-9.5.3-367 "second"']


@pytest.fixture(scope="module")
def stack() -> Iterator[tuple[HttpServer, str]]:
    with HttpServer() as fake, serving(fake.url, embedder=FakeEmbedder()) as url:
        yield fake, url


def _warning(request: Request) -> Answer:
    """Each leaf with hits of its own, and the same warnings to every request."""
    headers = [("Content-Type", "application/json"), *(("Warning", text) for text in WARNINGS)]
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    hits: dict[str, Any] = {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}
    response = {"took": 1, "timed_out": False, "_shards": shards, "hits": hits, "status": 200}
    if "_pit" in request.target:
        body: Any = {"id": "pit", "_shards": shards}
    elif "_msearch" in request.target:
        body = {"took": 1, "responses": [response] * (request.body.count(b"\n") // 2)}
    else:
        body = response
    return Answer(200, json_answer(200, body).body, headers)


def test_warnings_of_elasticsearch_are_passed_on_once(upstream: HttpServer, url: str) -> None:
    upstream.script = _warning
    tree = {"retriever": {"rrf": {**RRF["rrf"], "rank_constant": 3}}}
    got = search(url, "products", tree)
    assert got.status == 200
    assert len(upstream.seen) >= 1
    assert got.headers.get_all("warning") == WARNINGS
    lines = b'{}\n{"query":{"match_all":{}}}\n{}\n{"retriever":{"rrf":{"retrievers":[%s]}}}\n' % (
        b'{"standard":{"query":{"match_all":{}}}},{"standard":{"query":{"match_none":{}}}}'
    )
    got = ask(
        url,
        "/a/_msearch",
        method="POST",
        body=lines,
        headers={"Content-Type": "application/x-ndjson"},
    )
    assert (got.status, len(got.json()["responses"])) == (200, 2)
    assert got.headers.get_all("warning") == WARNINGS


def test_warnings_are_passed_on_with_a_refusal(upstream: HttpServer, url: str) -> None:
    def refuse(request: Request) -> Answer:
        cause = {"type": "index_not_found_exception", "reason": "no such index"}
        answer = json_answer(404, {"error": {"root_cause": [cause], **cause}, "status": 404})
        return Answer(404, answer.body, [("Warning", text) for text in WARNINGS])

    upstream.script = refuse
    got = search(url, "missing", {"retriever": RRF}, **{"X-Opaque-Id": "abc"})
    assert (got.status, got.headers["x-opaque-id"]) == (404, "abc")
    assert got.headers.get_all("warning") == WARNINGS


def test_more_warnings_than_a_client_reads_are_cut(upstream: HttpServer, url: str) -> None:
    def warn(request: Request) -> Answer:
        answer = _warning(request)
        named = [("Warning", f'299 Elasticsearch-9.5.3-367 "{number}"') for number in range(90)]
        return Answer(answer.status, answer.body, named)

    upstream.script = warn
    assert len(search(url, "products", {"retriever": RRF}).headers.get_all("warning") or ()) == 50
