"""Readiness needs no key, so many who ask cost as little as one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.health import Shared
from tests.fakes.models import FakeEmbedder, FakeReranker, seeded
from tests.pauses import PATIENCE
from tests.serve.live import OWN_QUERY, search
from tests.serve.running import ask, serving


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class _Found:
    """Finds 1, 2, … once it is released; counts how often it was started."""

    def __init__(self) -> None:
        self.started = 0
        self.released = asyncio.Event()

    async def __call__(self) -> int:
        self.started += 1
        number = self.started
        await self.released.wait()
        return number


def test_all_who_ask_at_once_share_one_result() -> None:
    async def scenario() -> None:
        found = _Found()
        shared = Shared(found, 5.0, _Clock())
        asking = [asyncio.create_task(shared.get()) for _ in range(100)]
        await asyncio.sleep(0)
        gone = asking.pop()
        gone.cancel()
        found.released.set()
        assert await asyncio.gather(*asking) == [1] * 99
        assert found.started == 1

    asyncio.run(scenario())


def test_a_result_is_repeated_for_some_seconds() -> None:
    async def scenario() -> None:
        clock, found = _Clock(), _Found()
        found.released.set()
        shared = Shared(found, 5.0, clock)
        assert [await shared.get() for _ in range(3)] == [1, 1, 1]
        clock.now += 4.9
        assert await shared.get() == 1
        clock.now += 0.2
        assert [await shared.get() for _ in range(3)] == [2, 2, 2]

    asyncio.run(scenario())


def test_a_slow_result_is_never_sought_twice_at_once() -> None:
    async def scenario() -> None:
        clock, found = _Clock(), _Found()
        shared = Shared(found, 5.0, clock)
        first = asyncio.create_task(shared.get())
        await asyncio.sleep(0)
        clock.now += 60
        second = asyncio.create_task(shared.get())
        await asyncio.sleep(0)
        found.released.set()
        assert [await first, await second] == [1, 1]

    asyncio.run(scenario())


def test_a_failure_reaches_all_and_is_forgotten() -> None:
    async def fail() -> int:
        raise OSError("too many open files")

    async def scenario() -> None:
        clock = _Clock()
        shared = Shared(fail, 5.0, clock)
        for _ in range(3):
            with pytest.raises(OSError, match="too many"):
                await shared.get()
            clock.now += 6

    asyncio.run(scenario())


def test_readiness_is_found_without_a_place(node: EmbeddedNode, products: str) -> None:
    released, entered = threading.Event(), threading.Event()

    def vectors(texts: Sequence[str]) -> NDArray[np.float32]:
        if "red" in texts:
            entered.set()
            released.wait(PATIENCE)
        return seeded(texts)

    with (
        serving(
            node.url,
            embedder=FakeEmbedder(vectors),
            reranker=FakeReranker(),
            serve={"concurrency": 1, "queue": 0},
            search={"timeout_ms": 0},
        ) as url,
        ThreadPoolExecutor() as pool,
    ):
        at_work = pool.submit(search, url, products, OWN_QUERY)
        assert entered.wait(PATIENCE)
        assert search(url, products, OWN_QUERY).status == 429
        assert ask(url, "/readyz").json()["status"] == "ready"
        released.set()
        assert at_work.result(PATIENCE).status == 200
