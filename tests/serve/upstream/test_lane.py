"""Large searches pass through one after another, whatever their form and however they arrive."""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from es_hybrid.http.refusal import Refusal
from es_hybrid.serve.upstream.lane import Lane
from tests.fakes.http import Answer, HttpServer, Request
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import Got, ask, serving

LIMIT = 20_000
LARGE = json.dumps({"query": {"ids": {"values": ["x" * 40] * 2000}}}).encode()
JSON = {"Content-Type": "application/json"}
ZIPPED = {**JSON, "Content-Encoding": "gzip"}


class Cluster(HttpServer):
    """Answers searches only when released, and counts those that it has at the same time."""

    def __init__(self) -> None:
        super().__init__(self.search)
        self.released = threading.Event()
        self.at_once = 0
        self.most_at_once = 0

    def search(self, request: Request) -> Answer:
        if LARGE.startswith(request.body) and request.body != LARGE:
            return Answer()  # the caller was refused
        with self.lock:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        assert self.released.wait(PATIENCE)
        with self.lock:
            self.at_once -= 1
        return Answer()


def large(url: str, number: int) -> Got:
    """Send one in each of the forms: with a length, in chunks, compressed."""
    body: Any = (LARGE, iter([LARGE[:70_000], LARGE[70_000:]]), gzip.compress(LARGE))[number % 3]
    headers = ZIPPED if number % 3 == 2 else JSON
    return ask(url, "/a/_search", method="POST", body=body, headers=headers)


def test_elasticsearch_has_one_large_search_at_a_time() -> None:
    with (
        Cluster() as cluster,
        serving(cluster.url, embedder=FakeEmbedder(), serve={"max_search_bytes": LIMIT}) as url,
        ThreadPoolExecutor(16) as threads,
    ):
        answers = [threads.submit(large, url, number) for number in range(9)]
        wait_until(lambda: cluster.at_once)
        # Small searches and everything else do not wait behind it.
        small = threads.submit(ask, url, "/a/_search", method="POST", body={"size": 0})
        other = threads.submit(ask, url, "/a/_bulk", method="POST", body=LARGE)
        wait_until(lambda: cluster.at_once == 3)
        cluster.released.set()
        assert [each.result().status for each in (small, other, *answers)] == [200] * 11
        assert cluster.most_at_once == 3


def test_a_large_search_that_waits_too_long_is_refused() -> None:
    serve = {"max_search_bytes": LIMIT, "queue_seconds": 0.2}
    with (
        Cluster() as cluster,
        serving(cluster.url, embedder=FakeEmbedder(), serve=serve) as url,
        ThreadPoolExecutor(16) as threads,
    ):
        first = threads.submit(large, url, 0)
        wait_until(lambda: cluster.at_once)
        for number in range(3):
            got = large(url, number)
            assert (got.status, got.headers["Retry-After"]) == (429, "1")
            assert "no turn for a large request" in got.json()["error"]["reason"]
        cluster.released.set()
        assert first.result().status == 200
        assert large(url, 0).status == 200
        assert cluster.most_at_once == 1


def test_a_caller_who_sends_slowly_keeps_nobody_waiting() -> None:
    over = threading.Event()

    def slowly() -> Iterator[bytes]:
        yield LARGE[:70_000]
        assert over.wait(PATIENCE)
        yield LARGE[70_000:]

    with (
        HttpServer() as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), serve={"max_search_bytes": LIMIT}) as url,
        ThreadPoolExecutor(16) as threads,
    ):
        slow = threads.submit(ask, url, "/a/_search", method="POST", body=slowly(), headers=JSON)
        wait_until(lambda: upstream.connections)
        for number in range(3):
            assert large(url, number).status == 200
        assert not slow.done()
        over.set()
        assert slow.result().status == 200
        assert LARGE in [seen.body for seen in upstream.seen]


def test_bodies_share_the_pace() -> None:
    lane = Lane(rate=1000, patience=1)

    async def send() -> None:
        await asyncio.gather(*map(lane.keep_pace, [20] * 5))

    start = time.monotonic()
    asyncio.run(send())
    assert time.monotonic() - start >= 0.1


def test_the_turn_is_free_after_a_failure() -> None:
    lane = Lane(rate=1000, patience=0.05)

    async def fail() -> None:
        async with lane.turn():
            with pytest.raises(Refusal):
                await lane.turn().__aenter__()
            raise RuntimeError

    async def succeed() -> None:
        with pytest.raises(RuntimeError):
            await fail()
        async with lane.turn():
            pass

    asyncio.run(succeed())
