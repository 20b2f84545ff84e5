"""`POST /similar`."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import HttpServer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import ask, serving
from tests.serve.test_shop import NO_RERANKER


def test_products_like_another(served: str, products: str) -> None:
    got = ask(served, "/similar", method="POST", body={"ids": ["2"], "index": products})
    answer = got.json()
    assert (got.status, got.headers["Content-Type"]) == (200, "application/json")
    assert answer.keys() == {"hits", "timings", "degraded", "notes"}
    assert {hit["id"] for hit in answer["hits"]} == {"1", "3"}
    first = answer["hits"][0]
    assert first["rank"] == first["stages"]["rrf"]["rank"] == 1
    assert "embedding" not in first["source"]
    filtered = {"ids": ["2"], "index": products, "filters": {"brand": "b"}}
    shown = ask(served, "/similar", method="POST", body=filtered).json()["hits"]
    assert [hit["id"] for hit in shown] == ["3"]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "[ids]"),
        ({"ids": []}, 400, "[ids]"),
        ({"ids": "2"}, 400, "[ids]"),
        ({"ids": ["2"] * 21}, 400, "[ids]"),
        ({"ids": ["2"], "size": 101}, 400, "[size]"),
        ({"ids": ["2"], "text": "red"}, 400, "[text]: unknown field"),
        ({"ids": ["2"], "filters": {"price": {"near": 1}}}, 400, "near"),
        ({"ids": ["17", "2"]}, 404, "no such product: 17"),
        ({"ids": ["2"], "index": "no-such-index"}, 404, "no such index"),
        ({"ids": ["2"], "index": "orders"}, 403, "serve.indices"),
        ({"ids": ["2"], "index": "*"}, 403, "serve.indices"),
    ],
)
def test_an_invalid_request_is_refused_with_the_reason(
    served: str, products: str, body: dict[str, Any], status: int, words: str
) -> None:
    got = ask(served, "/similar", method="POST", body={"index": products, **body})
    assert (got.status, got.json()["status"]) == (status, status)
    assert words in got.json()["error"]["reason"]


@pytest.mark.parametrize(
    ("method", "target"), [("GET", "/similar"), ("PUT", "/similar"), ("POST", "/similar/_doc")]
)
def test_an_index_called_similar_is_elasticsearch_s(method: str, target: str) -> None:
    with (
        HttpServer() as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), rerank=NO_RERANKER) as url,
    ):
        ask(url, target, method=method)
        assert [(seen.method, seen.target) for seen in upstream.seen] == [(method, target)]


def test_keys_and_limits_are_those_of_search(node: EmbeddedNode, products: str) -> None:
    key = "a-key-of-sixteen"
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        index={"name": products},
        serve={"api_keys": [key], "max_search_bytes": 1024},
        rerank=NO_RERANKER,
    ) as url:
        body = {"ids": ["2"]}
        assert ask(url, "/similar", method="POST", body=body).status == 401
        keyed = {"X-API-Key": key}
        assert ask(url, "/similar", method="POST", body=body, headers=keyed).status == 200
        long = {"ids": ["2" * 400, "3" * 400, "4" * 400]}
        assert ask(url, "/similar", method="POST", body=long, headers=keyed).status == 413
        foreign = {**keyed, "Origin": "http://elsewhere.example"}
        assert ask(url, "/similar", method="POST", body=body, headers=foreign).status == 403
