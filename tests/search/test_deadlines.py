"""Dead or slow parts over real sockets: every search answers in time and reports them."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid.drive.driver import Driver
from es_hybrid.drive.send import sender
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import ElasticsearchError
from es_hybrid.node import EmbeddedNode
from es_hybrid.reranking import Reranker
from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.settings import EmbeddingSettings, Settings
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import DROP, Answer, HttpServer, dead_url, trickle
from tests.fakes.reranking import RerankServer
from tests.pauses import PATIENCE, wait_until

QUERY = "electric kettle"
DEADLINE_MS = 5000
SLACK = PATIENCE / 2  # seconds in which an answer is there that does not wait for what is held

Search = Callable[..., SearchResponse]


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Holds a part back; set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def settings(catalogue_settings: Settings) -> Settings:
    """Without merchandising rules: a busy machine may not read them in time either."""
    search = catalogue_settings.search.model_copy(update={"rules": False})
    return catalogue_settings.model_copy(update={"search": search})


@pytest.fixture(params=["sync", "async"])
def answer(
    request: pytest.FixtureRequest, node: EmbeddedNode, catalogue: str, settings: Settings
) -> Search:
    """Runs one search with these parts, in either driver."""

    def by_sync(embedder: Embedder, reranker: Reranker | None, **options: Any) -> SearchResponse:
        with Elasticsearch(node.url) as client:
            shop = HybridSearch(
                client, index=catalogue, embedder=embedder, reranker=reranker, settings=settings
            )
            with shop:
                return shop.search(QUERY, **options)

    async def by_async(
        embedder: Embedder, reranker: Reranker | None, **options: Any
    ) -> SearchResponse:
        async with AsyncElasticsearch(node.url) as client:
            shop = AsyncHybridSearch(
                client, index=catalogue, embedder=embedder, reranker=reranker, settings=settings
            )
            async with shop:
                return await shop.search(QUERY, **options)

    if request.param == "sync":
        return by_sync
    return lambda *parts, **options: asyncio.run(by_async(*parts, **options))


def _remote(url: str) -> OpenAIEmbedder:
    """An embedder with the identity of the encoder that embedded the catalogue."""
    identity = {"model": "universal-sentence-encoder-multilingual", "revision": "3"}
    return OpenAIEmbedder(
        EmbeddingSettings.model_validate(
            {"base_url": url, "dims": 512, "query_instruction": "", **identity}
        )
    )


def _hold(held: threading.Event) -> Callable[..., Answer]:
    def hold(*_: object) -> Answer:
        held.wait(PATIENCE)
        return DROP

    return hold


def _timed(run: Callable[[], SearchResponse]) -> tuple[SearchResponse, float]:
    started = time.monotonic()
    response = run()
    return response, time.monotonic() - started


def test_a_slow_embedding_server_costs_its_share_and_no_more(
    answer: Search, held: threading.Event
) -> None:
    with EmbeddingServer(dims=512, fault=_hold(held)) as server:
        embedder = _remote(server.url)
        response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
        assert server.requests  # it was asked, and holds its answer still
        assert seconds < SLACK
        assert response.hits
        # The client of the server and the driver give up at the same time; either may be first.
        assert len(response.degraded) == 1, response.degraded
        waited = re.fullmatch("embedding: no answer within ([0-9.]+) s.*", response.degraded[0])
        assert waited, response.degraded
        assert 1000 * float(waited[1]) <= 0.4 * DEADLINE_MS
        assert response.timings["embed"] > 990 * float(waited[1])
        held.set()
        embedder.close()


def test_an_answer_that_trickles_in_is_given_up_as_well(
    answer: Search, held: threading.Event
) -> None:
    with HttpServer(lambda request: Answer(chunks=trickle(held))) as server:
        embedder = _remote(f"{server.url}/v1")
        response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
        assert server.seen
        assert seconds < SLACK
        assert response.hits
        assert len(response.degraded) == 1
        assert response.degraded[0].startswith("embedding: no answer within ")
        held.set()
        embedder.close()


def test_a_dead_embedding_server_is_reported_at_once(answer: Search) -> None:
    embedder = _remote(f"{dead_url()}/v1")
    response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
    embedder.close()
    assert seconds < SLACK
    assert response.hits
    assert response.degraded[0].startswith("embedding: cannot be reached")


def test_a_slow_reranker_leaves_the_fused_order(
    answer: Search, embedder: LocalEmbedder, held: threading.Event
) -> None:
    fused = answer(embedder, None).hits
    with RerankServer(_hold(held)) as server:
        reranker = RemoteReranker(server.url, timeout=PATIENCE)
        response, seconds = _timed(lambda: answer(embedder, reranker, timeout_ms=DEADLINE_MS))
        held.set()
    assert server.requests
    assert seconds < SLACK
    assert [hit.id for hit in response.hits] == [hit.id for hit in fused]
    assert response.reranked == 0
    assert response.degraded[0].startswith("rerank: ")
    assert "in time" in response.degraded[0] or "no answer within" in response.degraded[0]


def test_a_reranker_in_time_reranks(answer: Search, embedder: LocalEmbedder) -> None:
    with RerankServer() as server:
        response = answer(embedder, RemoteReranker(server.url), timeout_ms=6 * DEADLINE_MS)
    assert sum(len(body["documents"]) for body in server.requests if "documents" in body) >= 50
    assert (response.reranked, response.degraded) == (50, ())


def test_a_dead_reranker_leaves_the_fused_order(answer: Search, embedder: LocalEmbedder) -> None:
    fused = answer(embedder, None).hits
    response, seconds = _timed(
        lambda: answer(embedder, RemoteReranker(f"{dead_url()}/v1"), timeout_ms=2 * DEADLINE_MS)
    )
    assert seconds < SLACK
    assert [hit.id for hit in response.hits] == [hit.id for hit in fused]
    assert response.degraded[0].startswith("rerank: cannot be reached")


def test_both_may_be_slow_at_once(answer: Search, held: threading.Event) -> None:
    with (
        EmbeddingServer(dims=512, fault=_hold(held)) as server,
        RerankServer(_hold(held)) as rerank_server,
    ):
        embedder = _remote(server.url)
        reranker = RemoteReranker(rerank_server.url, timeout=PATIENCE)
        response, seconds = _timed(lambda: answer(embedder, reranker, timeout_ms=DEADLINE_MS))
        assert server.requests
        assert rerank_server.requests
        assert seconds < SLACK
        assert response.hits
        assert [said.split(":")[0] for said in response.degraded] == ["embedding", "rerank"]
        held.set()
        embedder.close()


def test_a_server_that_keeps_failing_is_paused(
    es: Elasticsearch, catalogue: str, settings: Settings
) -> None:
    with EmbeddingServer(dims=512, fault=lambda request, number: Answer(500)) as server:
        embedder = _remote(server.url)
        with HybridSearch(es, index=catalogue, embedder=embedder, settings=settings) as shop:
            # Failures raise the suspicion, then a harmless text is tried in a thread of its own.
            said = [shop.search(QUERY, timeout_ms=60_000).degraded[0] for _ in range(5)]
            paused = "embedding: paused after repeated failures"
            wait_until(lambda: shop.search(QUERY, timeout_ms=60_000).degraded[0] == paused)
            asked = len(server.requests)
            again = [shop.search(QUERY, timeout_ms=60_000).degraded[0] for _ in range(3)]
        embedder.close()
    assert "answered 500" in said[0]
    assert again == [paused] * 3
    assert len(server.requests) == asked


def test_a_slow_elasticsearch_is_an_error_in_time(
    node: EmbeddedNode,
    catalogue: str,
    settings: Settings,
    embedder: LocalEmbedder,
    held: threading.Event,
) -> None:
    with HttpServer(_hold(held)) as server, Elasticsearch(node.url) as client:
        shop = HybridSearch(client, index=catalogue, embedder=embedder, settings=settings)
        shop.search(QUERY)  # reads mapping and vocabulary
        with Elasticsearch(server.url) as hole:
            shop._driver = Driver(sender(hole), shop._parts)
            started = time.monotonic()
            with pytest.raises(ElasticsearchError, match="in time"):
                shop.search(QUERY, timeout_ms=1000)
            assert time.monotonic() - started < SLACK
    assert "_msearch" in server.seen[0].target
