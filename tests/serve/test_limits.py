"""Overload is refused in time, and slow or dead parts degrade a search and never hang it."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.errors import RerankError
from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import DIMS, FakeEmbedder, FakeReranker
from tests.serve.live import ids, search
from tests.serve.running import Got, ask, serving

TEXT = "red shoe"
BODY = {"query": {"match": {"title": "red"}}, "ext": {"es_hybrid": {"text": TEXT}}}
# Milliseconds: the searches' own limit, and what this machine may be late by.
LIMIT, SLACK = 1000, 1500


class HeldReranker(FakeReranker):
    """Scores when it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Semaphore(0)
        self.go_on = threading.Event()

    def score(self, *arguments: Any, **options: Any) -> NDArray[np.float32]:
        self.entered.release()
        self.go_on.wait(30)
        return super().score(*arguments, **options)


def test_overload_is_429_with_retry_after(node: EmbeddedNode, products: str) -> None:
    reranker = HeldReranker()
    limits = {"concurrency": 2, "queue": 1, "queue_seconds": 30}
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
        held = [pool.submit(search, url, products, BODY) for _ in range(2)]
        for _ in held:
            assert reranker.entered.acquire(timeout=20)
        waiting = pool.submit(search, url, products, BODY)
        _until(lambda: "es_hybrid_places_wanted 1.0" in _metrics(url))
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
        reranker.go_on.set()
        assert [each.result(30).status for each in (*held, waiting)] == [200] * 3
        assert search(url, products, BODY).status == 200


def test_nobody_waits_for_a_place_forever(node: EmbeddedNode, products: str) -> None:
    reranker = HeldReranker()
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
        held = pool.submit(search, url, products, BODY)
        assert reranker.entered.acquire(timeout=20)
        assert search(url, products, BODY).status == 429
        reranker.go_on.set()
        assert held.result(30).status == 200


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


def _until(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _slow(request: dict[str, Any], number: int) -> None:
    time.sleep(3)


def _broken(request: dict[str, Any], number: int) -> Answer:
    return json_answer(500, {"error": {"message": "out of memory"}})


@pytest.mark.parametrize("fault", [_slow, _broken])
def test_a_dead_or_slow_embedding_server_leaves_the_lexical_hits(
    node: EmbeddedNode, products: str, fault: Any
) -> None:
    """RELIABILITY 12: every answer is 200, says what is missing, and comes in time."""
    fired = []

    def counted(request: dict[str, Any], number: int) -> Any:
        fired.append(number)
        return fault(request, number)

    embedding = {"model": "seeded", "revision": "1"}
    with (
        EmbeddingServer(dims=DIMS, fault=counted) as server,
        serving(
            node.url,
            reranker=FakeReranker(),
            embedding={**embedding, "base_url": server.url},
            search={"timeout_ms": LIMIT},
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
    assert fired


class SlowReranker(FakeReranker):
    """Heeds no deadline."""

    def score(self, *arguments: Any, **options: Any) -> NDArray[np.float32]:
        scores = super().score(*arguments, **options)
        time.sleep(3)
        return scores


@pytest.mark.parametrize("reranker", [FakeReranker(error=RerankError("is dead")), SlowReranker()])
def test_a_dead_or_slow_reranker_leaves_the_fused_order(
    node: EmbeddedNode, products: str, reranker: FakeReranker
) -> None:
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        reranker=reranker,
        search={"timeout_ms": LIMIT},
    ) as url:
        for got in _eight_at_once(url, products):
            assert ids(got.json())[0] == "1"
            _assert_degraded(got, "rerank")
    assert reranker.calls


def _eight_at_once(url: str, products: str) -> list[Got]:
    def one(_: int) -> Got:
        started = time.monotonic()
        got = search(url, products, BODY)
        assert 1000 * (time.monotonic() - started) < LIMIT + SLACK
        return got

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(one, range(8)))


def _assert_degraded(got: Got, part: str) -> None:
    assert got.status == 200
    (line,) = got.json()["ext"]["es_hybrid"]["degraded"]
    assert line.startswith(f"{part}: ")
    assert got.headers["X-Es-Hybrid-Degraded"].startswith(f"{part}: ")


def test_a_slow_elasticsearch_is_504_in_time(products: str) -> None:
    def slow(seen: Request) -> Answer:
        time.sleep(3)
        return Answer(body=json.dumps({}).encode())

    with (
        HttpServer(slow) as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), search={"timeout_ms": LIMIT}) as url,
    ):
        started = time.monotonic()
        got = search(url, products, BODY)
        assert 1000 * (time.monotonic() - started) < LIMIT + SLACK
    assert (got.status, got.json()["status"]) == (504, 504)
    assert upstream.seen
