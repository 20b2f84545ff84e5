"""Parts that are dead or slow, over real sockets: every answer comes, in time, and says so."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid.drive import Driver
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

QUERY = "electric kettle"
HOLD = 60.0  # seconds that a slow part keeps its answer back
DEADLINE_MS = 5000
SLACK = 10.0  # seconds in which every answer is there, on the busiest machine

Answer = Callable[..., SearchResponse]


@pytest.fixture
def held() -> Iterator[threading.Event]:
    """Set at the end, so that nothing that was held outlives its test."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture(params=["sync", "async"])
def answer(
    request: pytest.FixtureRequest, node: EmbeddedNode, catalogue: str, settings: Settings
) -> Answer:
    """One search with the parts given, by either driver."""

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
    """Says that it is the encoder that the catalogue was embedded with."""
    identity = {"model": "universal-sentence-encoder-multilingual", "revision": "3"}
    return OpenAIEmbedder(
        EmbeddingSettings.model_validate(
            {"base_url": url, "dims": 512, "query_instruction": "", **identity}
        )
    )


def _dead_url() -> str:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


@contextmanager
def _trickling(held: threading.Event) -> Iterator[tuple[str, list[bytes]]]:
    """A server whose answer never ends, one byte at a time; no read ever times out."""
    sent: list[bytes] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=trickle, args=(connection,), daemon=True).start()

    def trickle(connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            while not held.wait(0.05):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return
                sent.append(b" ")

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", sent
    listener.close()


@contextmanager
def _rerank_server(held: threading.Event | None) -> Iterator[tuple[str, list[int]]]:
    """Answers in Cohere's form, or holds its answer back; and the documents of each request."""
    asked: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            documents = json.loads(self.rfile.read(length))["documents"]
            asked.append(len(documents))
            if held is not None:
                held.wait(HOLD)
                return
            scores = [{"index": i, "relevance_score": 0.5} for i in range(len(documents))]
            body = json.dumps({"results": scores}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Keep the tests' output quiet."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{http.server_address[1]}/v1/rerank", asked
    http.shutdown()
    http.server_close()


def _timed(run: Callable[[], SearchResponse]) -> tuple[SearchResponse, float]:
    started = time.monotonic()
    response = run()
    return response, time.monotonic() - started


def test_a_slow_embedding_server_costs_its_share_and_no_more(
    answer: Answer, held: threading.Event
) -> None:
    def hold(request: dict[str, Any], number: int) -> None:
        held.wait(HOLD)

    with EmbeddingServer(dims=512, fault=hold) as server:
        embedder = _remote(server.url)
        response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
        assert server.requests  # it was asked, and holds its answer still
        assert seconds < SLACK
        assert response.hits
        assert response.degraded[0].startswith("embedding: no answer within ")
        assert 1000 < response.timings["embed"] < 4500
        held.set()
        embedder.close()


def test_an_answer_that_trickles_in_is_given_up_as_well(
    answer: Answer, held: threading.Event
) -> None:
    with _trickling(held) as (url, sent):
        embedder = _remote(url)
        response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
        assert len(sent) > 5
        assert seconds < SLACK
        assert response.hits
        assert len(response.degraded) == 1
        assert response.degraded[0].startswith("embedding: no answer within ")
        held.set()
        embedder.close()


def test_a_dead_embedding_server_is_said_at_once(answer: Answer) -> None:
    embedder = _remote(_dead_url())
    response, seconds = _timed(lambda: answer(embedder, None, timeout_ms=DEADLINE_MS))
    embedder.close()
    assert seconds < SLACK
    assert response.hits
    assert response.degraded[0].startswith("embedding: cannot be reached")


def test_a_slow_reranker_leaves_the_fused_order(
    answer: Answer, embedder: LocalEmbedder, held: threading.Event
) -> None:
    fused = answer(embedder, None).hits
    with _rerank_server(held) as (url, asked):
        reranker = RemoteReranker(url, timeout=HOLD)
        response, seconds = _timed(lambda: answer(embedder, reranker, timeout_ms=DEADLINE_MS))
        held.set()
    assert asked
    assert seconds < SLACK
    assert [hit.id for hit in response.hits] == [hit.id for hit in fused]
    assert response.reranked == 0
    assert response.degraded[0].startswith("rerank: ")
    assert "in time" in response.degraded[0] or "no answer within" in response.degraded[0]


def test_a_reranker_in_time_reranks(answer: Answer, embedder: LocalEmbedder) -> None:
    with _rerank_server(None) as (url, asked):
        response = answer(embedder, RemoteReranker(url), timeout_ms=6 * DEADLINE_MS)
    assert sum(asked) >= 50
    assert (response.reranked, response.degraded) == (50, ())


def test_a_dead_reranker_leaves_the_fused_order(answer: Answer, embedder: LocalEmbedder) -> None:
    fused = answer(embedder, None).hits
    response, seconds = _timed(
        lambda: answer(embedder, RemoteReranker(_dead_url()), timeout_ms=2 * DEADLINE_MS)
    )
    assert seconds < SLACK
    assert [hit.id for hit in response.hits] == [hit.id for hit in fused]
    assert response.degraded[0].startswith("rerank: cannot be reached")


def test_both_may_be_slow_at_once(answer: Answer, held: threading.Event) -> None:
    def hold(request: dict[str, Any], number: int) -> None:
        held.wait(HOLD)

    with EmbeddingServer(dims=512, fault=hold) as server, _rerank_server(held) as (url, asked):
        embedder, reranker = _remote(server.url), RemoteReranker(url, timeout=HOLD)
        response, seconds = _timed(lambda: answer(embedder, reranker, timeout_ms=DEADLINE_MS))
        assert server.requests
        assert asked
        assert seconds < SLACK
        assert response.hits
        assert [said.split(":")[0] for said in response.degraded] == ["embedding", "rerank"]
        held.set()
        embedder.close()


def test_a_server_that_keeps_failing_is_left_alone(
    es: Elasticsearch, catalogue: str, settings: Settings
) -> None:
    def broken(request: dict[str, Any], number: int) -> tuple[int, dict[str, str], bytes]:
        return 500, {}, b"{}"

    with EmbeddingServer(dims=512, fault=broken) as server:
        embedder = _remote(server.url)
        with HybridSearch(es, index=catalogue, embedder=embedder, settings=settings) as shop:
            said = [shop.search(QUERY, timeout_ms=60_000).degraded[0] for _ in range(8)]
        embedder.close()
    assert "answered 500" in said[0]
    assert said[5:] == ["embedding: left alone for a while after repeated failures"] * 3
    assert len(server.requests) == settings.search.breaker_failures


def test_a_slow_elasticsearch_is_an_error_in_time(
    node: EmbeddedNode,
    catalogue: str,
    settings: Settings,
    embedder: LocalEmbedder,
    held: threading.Event,
) -> None:
    asked: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener, Elasticsearch(node.url) as client:
        shop = HybridSearch(client, index=catalogue, embedder=embedder, settings=settings)

        def accept() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(65536).decode("latin-1"))
                held.wait(HOLD)

        threading.Thread(target=accept, daemon=True).start()
        with Elasticsearch(f"http://127.0.0.1:{listener.getsockname()[1]}") as hole:
            shop._driver = Driver(sender(hole), shop._parts)
            started = time.monotonic()
            with pytest.raises(ElasticsearchError, match="in time"):
                shop.search(QUERY, timeout_ms=1000)
            assert time.monotonic() - started < SLACK
    assert "_msearch" in asked[0]
