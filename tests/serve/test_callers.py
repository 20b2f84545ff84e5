"""Credentials that Elasticsearch gets, and what the server remembers per caller."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.callers import Callers
from tests.fakes.http import HttpServer
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import OWN_QUERY, RRF, Recorder, search
from tests.serve.running import ask, serving


@pytest.mark.parametrize("body", [{"retriever": RRF}, OWN_QUERY, {**OWN_QUERY, "sort": ["price"]}])
def test_the_engines_requests_carry_the_callers_credentials_not_the_servers(
    node: EmbeddedNode, products: str, body: dict[str, Any]
) -> None:
    callers = {
        "Authorization": "ApiKey Y2FsbGVy",
        "es-secondary-authorization": "Basic c2Vjb25k",
        "X-Opaque-Id": "shop-7",
        "X-API-Key": "not-elasticsearchs",
        "Accept-Encoding": "gzip",
    }
    with (
        HttpServer(Recorder(node)) as upstream,
        serving(
            upstream.url,
            embedder=FakeEmbedder(),
            reranker=FakeReranker(),
            elasticsearch={"api_key": "b3VyLWtleTpjYW5hcnk="},
        ) as url,
    ):
        assert search(url, products, body, **callers).status == 200
        with_credentials = list(upstream.seen)
        upstream.seen.clear()
        assert search(url, products, body).status == 200
        without = list(upstream.seen)
    assert with_credentials
    for seen in with_credentials:
        for name in ("Authorization", "es-secondary-authorization", "X-Opaque-Id"):
            assert seen.header(name) == callers[name]
        for name in ("X-API-Key", "Accept-Encoding", "Content-Encoding"):
            assert seen.header(name) is None
    assert without
    assert all(seen.header("Authorization") is None for seen in without)


def test_a_caller_does_not_profit_from_what_another_may_read(
    node: EmbeddedNode, products: str
) -> None:
    with (
        HttpServer(Recorder(node)) as upstream,
        serving(upstream.url, embedder=FakeEmbedder()) as url,
    ):
        for _ in range(2):
            for caller, status in (("Basic friend", 200), ("Basic stranger", 403)):
                assert search(url, products, OWN_QUERY, Authorization=caller).status == status
        mappings = [seen for seen in upstream.seen if "_mapping" in seen.target]
    assert [seen.header("Authorization") for seen in mappings] == [
        "Basic friend",
        "Basic stranger",
        "Basic stranger",
    ]


def test_search_uses_the_servers_credentials_unless_the_caller_sends_some(
    node: EmbeddedNode, products: str
) -> None:
    with (
        HttpServer(Recorder(node)) as upstream,
        serving(
            upstream.url,
            embedder=FakeEmbedder(),
            elasticsearch={"api_key": "b3Vycw=="},
            serve={"indices": [products]},
        ) as url,
    ):
        asked = {"text": "red", "index": products}
        statuses = [
            ask(url, "/search", method="POST", body=asked, headers=headers).status
            for headers in ({}, {"Authorization": "Basic stranger"})
        ]
        sent = {seen.header("Authorization") for seen in upstream.seen}
    assert statuses == [200, 403]
    assert sent == {"ApiKey b3Vycw==", "Basic stranger"}


@pytest.mark.parametrize(
    "name",
    [
        b"authorization", b"es-client-authentication", b"es-secondary-authorization",
        b"es-secondary-x-client-authentication", b"es-security-runas-user", b"cookie",
        b"x-elastic-product-origin", b"x-forwarded-user", b"x-ssl-client-cert", b"unheard-of",
    ],
)  # fmt: skip
def test_a_header_that_may_tell_who_the_caller_is_separates_callers(name: bytes) -> None:
    callers = Callers()
    same = [(b"host", b"search"), (b"authorization", b"Bearer e30.e30.e30")]
    known = callers.caller([*same, (name, b"one")]).known
    assert callers.caller([*same, (name, b"one")]).known is known
    for other in ([*same, (name, b"two")], same, [*same, (name, b"one"), (name, b"two")]):
        assert callers.caller(other).known is not known


def test_headers_of_single_requests_separate_no_callers() -> None:
    callers = Callers()
    known = [
        callers.caller(
            [
                (b"authorization", b"Basic one"),
                (b"accept", b"application/json"),
                (b"content-length", value),
                (b"traceparent", value),
                (b"user-agent", value),
                (b"x-opaque-id", value),
                (b"x-request-id", value),
            ]
        ).known
        for value in (b"1", b"2")
    ]
    assert known[0] is known[1]


def test_a_value_does_not_look_like_another_header() -> None:
    callers = Callers()
    joined = callers.caller([(b"a", b"1\x00b:2")]).known
    quoted = callers.caller([(b"a", b"1'), (b'b', b'2")]).known
    apart = callers.caller([(b"a", b"1"), (b"b", b"2")]).known
    assert len({id(joined), id(quoted), id(apart)}) == 3


def test_the_shared_secret_of_a_jwt_realm_separates_callers(
    node: EmbeddedNode, products: str
) -> None:
    with (
        HttpServer(Recorder(node)) as upstream,
        serving(upstream.url, embedder=FakeEmbedder()) as url,
    ):
        for secret in ({"es-client-authentication": "SharedSecret s"}, {}):
            search(url, products, OWN_QUERY, Authorization="Bearer jwt", **secret)
        mappings = [seen for seen in upstream.seen if "_mapping" in seen.target]
    assert [seen.header("es-client-authentication") for seen in mappings] == [
        "SharedSecret s",
        None,
    ]
