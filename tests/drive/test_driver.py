"""The two drivers pass the same tests, with parts that are slow or dead."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any

import pytest

from es_hybrid.drive.driver import AsyncDriver, Driver, Timings
from es_hybrid.drive.parts import CircuitBreaker, Parts
from es_hybrid.errors import (
    ElasticsearchError,
    EmbeddingError,
    EsHybridError,
    RerankError,
    RerankSkipped,
)
from es_hybrid.retrieval.needs import Call, EmbedQuery, Need, Reply, ScoreDocuments
from es_hybrid.settings import Settings
from tests.fakes.models import FakeReranker, QueriesEmbeddedBy
from tests.pauses import PATIENCE, wait_until

Search = Generator[Need, Any, Any]
Run = Callable[..., tuple[Any, Timings]]

SOON = PATIENCE / 2  # seconds in which an answer is there that does not wait for a held part

released = threading.Event()


@pytest.fixture(autouse=True)
def _release_what_was_given_up() -> Iterator[None]:
    released.clear()
    yield
    released.set()


def _embed(need: EmbedQuery, seconds: float | None) -> list[float]:
    return [float(len(need.text))]


def _slow_embed(need: EmbedQuery, seconds: float | None) -> list[float]:
    released.wait(PATIENCE)
    return [1.0]


def _reranker(**options: Any) -> FakeReranker:
    return FakeReranker(lambda text: 0.5, **options)


def _send(call: Call, seconds: float | None) -> Reply:
    return Reply(200, {"path": call.path, "seconds": seconds})


def _parts(embed: Any = _embed, reranker: Any = None, **search: Any) -> Parts:
    return Parts(QueriesEmbeddedBy(embed), reranker, Settings.model_validate({"search": search}))


def _run_sync(search: Search, parts: Parts, *, send: Any = _send, timeout: Any = None) -> Any:
    return Driver(send, parts).run(search, timeout=timeout)


def _run_async(search: Search, parts: Parts, *, send: Any = _send, timeout: Any = None) -> Any:
    async def send_async(call: Call, seconds: float | None) -> Reply:
        reply: Reply = send(call, seconds)
        return reply

    return asyncio.run(AsyncDriver(send_async, parts).run(search, timeout=timeout))


@pytest.fixture(params=[_run_sync, _run_async], ids=["sync", "async"])
def run(request: pytest.FixtureRequest) -> Run:
    runner: Run = request.param
    return runner


def _all_stages() -> Search:
    vector = yield EmbedQuery("kettle")
    first = yield Call("POST", "/a/_search", body={})
    second = yield Call("GET", "/b/_search")
    scores = yield ScoreDocuments("kettle", ["x", "y"])
    return vector, first.body["path"], second.body["path"], scores.values


def _degrading() -> Search:
    """Catches the errors that a search catches, and returns their messages."""
    reported = []
    for need in (EmbedQuery("kettle"), ScoreDocuments("kettle", ["x"])):
        try:
            yield need
        except (EmbeddingError, RerankError) as error:
            reported.append(f"{need.stage}: {error.message}")
    return reported


def test_each_need_is_served_and_timed(run: Run) -> None:
    result, timings = run(_all_stages(), _parts(reranker=_reranker()))
    assert result == ([6.0], "/a/_search", "/b/_search", [0.5, 0.5])
    assert list(timings) == ["embed", "elasticsearch", "rerank", "total"]
    assert timings["total"] >= sum(spent for stage, spent in timings.items() if stage != "total")


def test_a_search_that_needs_nothing_ends_at_once(run: Run) -> None:
    def search() -> Search:
        yield from ()
        return "done"

    result, timings = run(search(), _parts())
    assert (result, list(timings)) == ("done", ["total"])


def test_slow_parts_are_given_up_and_the_search_keeps_its_deadline(run: Run) -> None:
    reranker = _reranker(held=released)
    started = time.monotonic()
    reported, timings = run(_degrading(), _parts(_slow_embed, reranker), timeout=0.5)
    assert time.monotonic() - started < SOON
    waited = re.fullmatch("embed: no answer within ([0-9.]+) s", reported[0])
    assert waited
    assert float(waited[1]) <= 0.2
    assert reported[1].startswith("rerank: no answer within ")
    assert reranker.calls  # it was asked, and is still at work
    assert timings["embed"] > 990 * float(waited[1])


def test_each_part_gets_its_share_of_the_time(run: Run) -> None:
    seen: list[float | None] = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        seen.append(seconds)
        return [1.0]

    reranker = _reranker()
    started = time.monotonic()
    run(_all_stages(), _parts(embed, reranker), timeout=100)
    assert seen[0] == pytest.approx(40, abs=5)
    assert reranker.calls[0].deadline is not None
    assert reranker.calls[0].deadline - started == pytest.approx(85, abs=5)
    run(_all_stages(), _parts(embed, reranker))
    assert (seen[1], reranker.calls[1].deadline) == (None, None)


def test_the_rerankers_own_limit_holds_too(run: Run) -> None:
    reranker = _reranker()
    parts = Parts(
        QueriesEmbeddedBy(_embed),
        reranker,
        Settings.model_validate({"rerank": {"deadline_ms": 30_000}}),
    )
    started = time.monotonic()
    run(_all_stages(), parts, timeout=100)
    assert reranker.calls[0].deadline is not None
    assert reranker.calls[0].deadline - started == pytest.approx(30, abs=5)


def test_elasticsearch_gets_what_is_left(run: Run) -> None:
    def search() -> Search:
        yield EmbedQuery("kettle")
        reply = yield Call("GET", "/_search")
        return reply.body["seconds"]

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        time.sleep(0.2)
        return [1.0]

    assert run(search(), _parts(embed))[0] is None
    assert 90 < run(search(), _parts(embed), timeout=100)[0] < 99.9


def test_a_part_that_keeps_failing_is_paused_and_then_tried_again(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    broken = True
    now = 100.0
    monkeypatch.setattr(CircuitBreaker.__init__, "__kwdefaults__", {"clock": lambda: now})

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        asked.append(need.text)
        if broken:
            raise EmbeddingError("cannot be reached")
        return [1.0]

    parts = _parts(embed, _reranker(), breaker_failures=3, breaker_pause=30)
    reported = [run(_degrading(), parts)[0] for _ in range(3)]
    assert reported == [["embed: cannot be reached"]] * 3
    paused = ["embed: paused after repeated failures"]
    wait_until(lambda: run(_degrading(), parts)[0] == paused)
    calls = len(asked)
    assert run(_degrading(), parts)[0] == paused
    assert len(asked) == calls
    broken = False
    now += 31
    wait_until(lambda: run(_degrading(), parts)[0] == [])


def test_a_reranker_that_is_not_for_the_query_has_not_failed(run: Run) -> None:
    def search() -> Search:
        with pytest.raises(RerankSkipped, match="zh"):
            yield ScoreDocuments("不锈钢电热水壶", ["不锈钢电热水壶 1.7 升"])
        scores = yield ScoreDocuments(
            "stainless steel electric kettle", ["a stainless steel electric kettle"]
        )
        return scores.values

    reranker = _reranker()
    reranker.languages = frozenset({"en"})
    parts = _parts(reranker=reranker, breaker_failures=1)
    assert run(search(), parts)[0] == [0.5]
    assert run(search(), parts)[0] == [0.5]


def test_what_the_search_does_not_catch_is_raised(run: Run) -> None:
    def dead(call: Call, seconds: float | None) -> Reply:
        raise ElasticsearchError("cannot be reached")

    with pytest.raises(ElasticsearchError, match="cannot be reached"):
        run(_all_stages(), _parts(reranker=_reranker()), send=dead)


def test_a_slow_part_does_not_block_the_loop() -> None:
    entered = threading.Event()
    released_in_time = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        entered.set()
        released_in_time.append(released.wait(PATIENCE))
        return [1.0]

    async def release() -> None:
        while not entered.is_set():
            await asyncio.sleep(0.001)
        released.set()

    async def both() -> None:
        driver = AsyncDriver(lambda call, seconds: asyncio.sleep(0, Reply(200, {})), parts)
        await asyncio.gather(driver.run(_degrading()), release())

    parts = _parts(embed, _reranker())
    asyncio.run(both())
    assert released_in_time == [True]


def test_many_searches_at_once_keep_their_deadlines_when_every_thread_is_held() -> None:
    parts = _parts(_slow_embed, _reranker(), breaker_failures=1000)

    async def all_at_once() -> list[Any]:
        driver = AsyncDriver(lambda call, seconds: asyncio.sleep(0, Reply(200, {})), parts)
        return list(
            await asyncio.gather(*(driver.run(_degrading(), timeout=0.5) for _ in range(100)))
        )

    started = time.monotonic()
    answers = asyncio.run(all_at_once())
    assert time.monotonic() - started < SOON
    assert all(reported[0].startswith("embed: no answer within ") for reported, _ in answers)


def test_a_reranker_that_hangs_holds_up_no_embedding() -> None:
    parts = _parts(_embed, _reranker(held=released), breaker_failures=1000)
    reported = []

    def search() -> None:
        reported.append(Driver(_send, parts).run(_degrading(), timeout=3.0)[0])

    threads = [threading.Thread(target=search) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(reported) == 50
    assert all(len(each) == 1 and each[0].startswith("rerank: ") for each in reported)


def test_work_that_never_got_a_thread_is_not_done_later() -> None:
    begun = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        begun.append(need.text)
        released.wait(PATIENCE)
        return [1.0]

    parts = _parts(embed, breaker_failures=1000)
    threads = [
        threading.Thread(target=lambda: Driver(_send, parts).run(_embedding_in_vain(), timeout=0.3))
        for _ in range(60)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    released.set()
    Driver(_send, parts).run(_embedding())  # its turn comes after theirs
    assert 1 < len(begun) <= 32 + 1


def _embedding() -> Search:
    yield EmbedQuery("kettle")


def _embedding_in_vain() -> Search:
    with pytest.raises(EmbeddingError):
        yield EmbedQuery("kettle")


def _opening() -> Generator[Need, Any, None]:
    """Opens something, and closes it when the search fails."""
    yield Call("POST", "/a/_pit")
    try:
        yield EmbedQuery("red")
    except EsHybridError:
        yield Call("DELETE", "/_pit")
        raise


@pytest.mark.parametrize("large", [False, True])
def test_a_cancelled_search_closes_what_it_opened(large: bool) -> None:
    entered, released = threading.Event(), threading.Event()
    sent: list[str] = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        entered.set()
        released.wait(PATIENCE)
        return [1.0]

    async def send(call: Call, seconds: float | None) -> Reply:
        sent.append(call.method)
        return Reply(200, {}, large=large)

    async def cancelled() -> None:
        driver = AsyncDriver(send, _parts(embed, _reranker()), in_thread=asyncio.to_thread)
        search = asyncio.create_task(driver.run(_opening()))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        released.set()
        while len(sent) < 2:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(cancelled(), PATIENCE))
    assert sent == ["POST", "DELETE"]


def test_a_search_cancelled_during_a_step_in_a_thread_closes_after_that_step() -> None:
    entered, released = threading.Event(), threading.Event()
    sent: list[str] = []

    def slow() -> Generator[Need, Any, None]:
        yield Call("POST", "/a/_pit")
        entered.set()
        released.wait(PATIENCE)
        try:
            yield Call("GET", "/a/_search")
        except EsHybridError:
            yield Call("DELETE", "/_pit")
            raise

    async def send(call: Call, seconds: float | None) -> Reply:
        sent.append(call.method)
        return Reply(200, {})

    async def cancelled() -> None:
        driver = AsyncDriver(send, _parts(_slow_embed, _reranker()), in_thread=asyncio.to_thread)
        search = asyncio.create_task(driver.run(slow(), large=True))
        while not entered.is_set():
            await asyncio.sleep(0.001)
        search.cancel()
        with pytest.raises(asyncio.CancelledError):
            await search
        released.set()
        while len(sent) < 2:
            await asyncio.sleep(0.001)

    asyncio.run(asyncio.wait_for(cancelled(), PATIENCE))
    assert sent == ["POST", "DELETE"]


def test_a_known_vector_takes_no_time_of_the_embedder(run: Run) -> None:
    class Known(QueriesEmbeddedBy):
        def known(self, need: EmbedQuery) -> list[float]:
            return [7.0]

    parts = Parts(Known(_slow_embed), _reranker(), Settings())
    result, timings = run(_all_stages(), parts)
    assert result[0] == [7.0]
    assert list(timings) == ["elasticsearch", "rerank", "total"]
