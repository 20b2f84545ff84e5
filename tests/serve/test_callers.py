"""Credentials that Elasticsearch gets, and what the server remembers per caller."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.node import EmbeddedNode
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
            upstream.url, embedder=FakeEmbedder(), elasticsearch={"api_key": "b3Vycw=="}
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
