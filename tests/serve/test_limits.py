"""Overload is refused, and slow or dead parts degrade a search but never block it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from es_hybrid.errors import RerankError
from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import DIMS, FakeEmbedder, FakeReranker
from tests.pauses import PATIENCE, wait_until
from tests.serve.live import ids, search
from tests.serve.running import Got, ask, serving

TEXT = "red shoe"
BODY = {"query": {"match": {"title": "red"}}, "ext": {"es_hybrid": {"text": TEXT}}}
# Milliseconds of a whole search. A part that never answers has a short limit of its own.
LIMIT = 1000 * PATIENCE


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Keeps a part from answering until it is set, at the latest after the test."""
    event = threading.Event()
    yield event
    event.set()


def test_overload_is_429_with_retry_after(
    node: EmbeddedNode, products: str, held: threading.Event
) -> None:
    reranker = FakeReranker(held=held)
    limits = {"concurrency": 2, "queue": 1, "queue_seconds": PATIENCE, "indices": [products]}
    with (
        serving(
            node.url,
            embedder=FakeEmbedder(),
            reranker=reranker,
            serve=limits,
            search={"timeout_ms": 0},
        ) as url,
        ThreadPoolExecutor() as pool,
    ):
        at_work = [pool.submit(search, url, products, BODY) for _ in range(2)]
        for _ in at_work:
            assert reranker.entered.acquire(timeout=PATIENCE)
        waiting = pool.submit(search, url, products, BODY)
        wait_until(lambda: "es_hybrid_places_wanted 1.0" in _metrics(url))
        refusals = [
            search(url, products, BODY),
            ask(url, "/search", method="POST", body={"text": TEXT, "index": products}),
            ask(url, "/v1/rerank", method="POST", body={"query": "q", "documents": ["d"]}),
        ]
        for refused in refusals:
            assert (refused.status, refused.json()["status"]) == (429, 429)
            assert refused.headers["Retry-After"] == "1"
            assert refused.json()["error"]["type"] == "es_rejected_execution_exception"
        assert search(url, products, {"query": {"match_all": {}}}).status == 200  # passes through
        held.set()
        assert [each.result(PATIENCE).status for each in (*at_work, waiting)] == [200] * 3
        assert search(url, products, BODY).status == 200


def test_a_long_wait_for_a_place_is_429(
    node: EmbeddedNode, products: str, held: threading.Event
) -> None:
    reranker = FakeReranker(held=held)
    limits = {"concurrency": 1, "queue": 9, "queue_seconds": 0.2}
    with (
        serving(
            node.url,
            embedder=FakeEmbedder(),
            reranker=reranker,
            serve=limits,
            search={"timeout_ms": 0},
        ) as url,
        ThreadPoolExecutor() as pool,
    ):
        at_work = pool.submit(search, url, products, BODY)
        assert reranker.entered.acquire(timeout=PATIENCE)
        assert search(url, products, BODY).status == 429
        held.set()
        assert at_work.result(PATIENCE).status == 200


def test_many_searches_in_one_request_take_turns(node: EmbeddedNode, products: str) -> None:
    limits = {"concurrency": 2, "queue": 0}
    lines = b"".join(
        json.dumps(part).encode() + b"\n" for _ in range(30) for part in ({"index": products}, BODY)
    )
    with serving(node.url, embedder=FakeEmbedder(), reranker=FakeReranker(), serve=limits) as url:
        headers = {"Content-Type": "application/x-ndjson"}
        got = ask(url, "/_msearch", method="POST", body=lines, headers=headers)
    assert [answer["status"] for answer in got.json()["responses"]] == [200] * 30


def _metrics(url: str) -> str:
    return ask(url, "/metrics").body.decode()


@pytest.mark.parametrize("broken", [False, True])
def test_a_dead_or_slow_embedding_server_leaves_the_lexical_hits(
    node: EmbeddedNode, products: str, held: threading.Event, broken: bool
) -> None:
    """RELIABILITY 12: every answer is 200 and says what is missing, though the server hangs."""

    def fault(request: dict[str, Any], number: int) -> Answer | None:
        if broken:
            return json_answer(500, {"error": {"message": "out of memory"}})
        held.wait(PATIENCE)
        return None

    embedding = {"model": "seeded", "revision": "1"}
    with (
        EmbeddingServer(dims=DIMS, fault=fault) as server,
        serving(
            node.url,
            reranker=FakeReranker(),
            embedding={**embedding, "base_url": server.url},
            search={"timeout_ms": LIMIT, "embedding_share": 0.005},
            serve={"indices": [products]},
        ) as url,
    ):
        for got in _eight_at_once(url, products):
            assert sorted(ids(got.json())) == ["1", "2"]
            _assert_degraded(got, "embedding")
        shop = ask(url, "/search", method="POST", body={"text": "red", "index": products})
        assert shop.status == 200
        assert shop.json()["degraded"][0].startswith("embedding: ")
        assert shop.headers["X-Es-Hybrid-Degraded"].startswith("embedding: ")
        assert 'es_hybrid_degraded_total{part="embedding"}' in _metrics(url)
        assert server.requests
        assert not held.is_set()
        held.set()


@pytest.mark.parametrize("broken", [False, True])
def test_a_dead_or_slow_reranker_leaves_the_fused_order(
    node: EmbeddedNode, products: str, held: threading.Event, broken: bool
) -> None:
    reranker = FakeReranker(error=RerankError("is dead")) if broken else FakeReranker(held=held)
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        reranker=reranker,
        search={"timeout_ms": LIMIT},
        rerank={"deadline_ms": 300},
    ) as url:
        for got in _eight_at_once(url, products):
            assert ids(got.json())[0] == "1"
            _assert_degraded(got, "rerank")
        assert reranker.calls
        assert not held.is_set()
        held.set()


def _eight_at_once(url: str, products: str) -> list[Got]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(lambda _: search(url, products, BODY), range(8)))


def _assert_degraded(got: Got, part: str) -> None:
    assert got.status == 200
    (line,) = got.json()["ext"]["es_hybrid"]["degraded"]
    assert line.startswith(f"{part}: ")
    assert got.headers["X-Es-Hybrid-Degraded"].startswith(f"{part}: ")


def test_a_slow_elasticsearch_is_504(products: str, held: threading.Event) -> None:
    def slow(request: Request) -> Answer:
        held.wait(PATIENCE)
        return Answer()

    with (
        HttpServer(slow) as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), search={"timeout_ms": 300}) as url,
    ):
        got = search(url, products, BODY)
        assert (got.status, got.json()["status"]) == (504, 504)
        assert upstream.seen
        assert not held.is_set()
        held.set()
