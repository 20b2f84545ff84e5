"""`GET /suggest`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from es_hybrid.understanding.store import learn_vocabularies
from tests.fakes.http import HttpServer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import ask, serving
from tests.serve.test_shop import NO_RERANKER


@pytest.fixture
def learned(node: EmbeddedNode, es: Elasticsearch, products: str) -> Iterator[str]:
    """A server that knows the words of the products; `served` may remember that there were none."""
    learn_vocabularies(es, products, vector_field="embedding")
    index = {"name": products}
    with serving(node.url, embedder=FakeEmbedder(), index=index, rerank=NO_RERANKER) as url:
        yield url


def test_suggestions(learned: str) -> None:
    got = ask(learned, "/suggest?q=ha")
    assert got.status == 200
    assert got.headers["Content-Type"] == "application/json"
    assert got.json() == {
        "suggestions": [
            {"kind": "product", "text": "red hat", "highlight": "red <em>ha</em>t", "id": "2",
             "filters": {}, "count": None},
            {"kind": "product", "text": "blue hat of felt",
             "highlight": "blue <em>ha</em>t of felt", "id": "3", "filters": {}, "count": None},
        ]
    }  # fmt: skip
    brand = ask(learned, "/suggest?size=1&q=A").json()["suggestions"]
    assert brand == [
        {"kind": "brand", "text": "a", "highlight": "<em>a</em>", "id": "",
         "filters": {"brand": "a"}, "count": 2},
    ]  # fmt: skip


@pytest.mark.parametrize("typed", ["", "%20", "%E2%80%8B"])
def test_nothing_typed_has_no_suggestions(served: str, products: str, typed: str) -> None:
    got = ask(served, f"/suggest?q={typed}&index={products}")
    assert (got.status, got.json()) == (200, {"suggestions": []})


@pytest.mark.parametrize(
    ("query", "status", "words"),
    [
        ("q=" + "a" * 101, 400, "[q]"),
        ("q=a&size=0", 400, "[size]"),
        ("q=a&size=21", 400, "[size]"),
        ("q=a&index=no-such-index", 404, "no such index"),
        ("q=a&index=orders", 403, "serve.indices"),
        ("q=a&index=*", 403, "serve.indices"),
    ],
)
def test_an_invalid_request_is_refused_with_the_reason(
    served: str, products: str, query: str, status: int, words: str
) -> None:
    got = ask(
        served,
        f"/suggest?index={products}&{query}" if "index" not in query else f"/suggest?{query}",
    )
    assert got.status == status
    assert words in got.json()["error"]["reason"]


def test_a_body_is_refused(served: str, products: str) -> None:
    got = ask(served, f"/suggest?q=ha&index={products}", body={"q": "hat"})
    assert got.status == 413


@pytest.mark.parametrize(
    ("method", "target"),
    [("GET", "/suggest"), ("GET", "/suggest?pretty"), ("GET", "/suggest?seq=1"),
     ("HEAD", "/suggest?q=a"), ("PUT", "/suggest?q=a"), ("GET", "/suggest/_doc/1?q=a")],
)  # fmt: skip
def test_an_index_called_suggest_is_elasticsearch_s(method: str, target: str) -> None:
    with (
        HttpServer() as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), rerank=NO_RERANKER) as url,
    ):
        ask(url, target, method=method)
        assert [(seen.method, seen.target) for seen in upstream.seen] == [(method, target)]


def test_keys_and_indices_are_those_of_search(node: EmbeddedNode, products: str) -> None:
    key = "a-key-of-sixteen"
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        index={"name": products},
        serve={"api_keys": [key]},
        rerank=NO_RERANKER,
    ) as url:
        assert ask(url, "/suggest?q=ha").status == 401
        got = ask(url, "/suggest?q=ha", headers={"X-API-Key": key})
        assert [each["id"] for each in got.json()["suggestions"]] == ["2", "3"]
        foreign = {"X-API-Key": key, "Origin": "http://elsewhere.example"}
        assert ask(url, "/suggest?q=ha", headers=foreign).status == 403
