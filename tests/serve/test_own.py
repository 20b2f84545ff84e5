"""es-hybrid's own endpoints."""

from __future__ import annotations

import itertools
import json
import socket
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from es_hybrid.errors import EsHybridError, RerankError, SettingsError, StorageError
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import dead_url
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.fakes.reranking import RerankServer, by_chance, by_overlap, serving_model
from tests.pauses import PATIENCE, wait_until
from tests.serve.running import Got, ask, serving

KEY = "a-key-of-sixteen-or-more"
DOCUMENTS = ["two two", "one", {"text": "three three three"}]


@pytest.fixture
def reranker() -> FakeReranker:
    return FakeReranker()


@pytest.fixture
def url(reranker: FakeReranker) -> Iterator[str]:
    with serving(dead_url(), embedder=FakeEmbedder(), reranker=reranker) as address:
        yield address


def _rerank(url: str, headers: dict[str, str] | None = None, **body: Any) -> Got:
    return ask(url, "/v1/rerank", method="POST", body=body, headers=headers)


@pytest.mark.parametrize("path", ["/v1/rerank", "/v2/rerank"])
def test_rerank_is_compatible_with_cohere_and_jina(
    url: str, reranker: FakeReranker, path: str
) -> None:
    asked = {"query": "q", "documents": DOCUMENTS, "model": "rerank-v3.5", "max_tokens_per_doc": 9}
    got = ask(url, path, method="POST", body=asked)
    assert got.status == 200
    answer = got.json()
    assert answer["model"] == "rerank-v3.5"
    assert answer["results"] == [
        {"index": 1, "relevance_score": pytest.approx(1 / 4)},
        {"index": 0, "relevance_score": pytest.approx(1 / 8)},
        {"index": 2, "relevance_score": pytest.approx(1 / 18)},
    ]
    assert reranker.calls[0][:2] == ("q", ["two two", "one", "three three three"])


def test_rerank_returns_the_best_with_their_documents(url: str, reranker: FakeReranker) -> None:
    got = _rerank(
        url, query="q", documents=DOCUMENTS, top_n=1, return_documents=True, instruction="Judge"
    )
    (best,) = got.json()["results"]
    assert (best["index"], best["document"]) == (1, {"text": "one"})
    assert reranker.calls[0][2] == "Judge"


def test_rerank_omits_documents_not_scored_in_time(url: str) -> None:
    answer = _rerank(url, query="q", documents=["unscored", "b"]).json()
    assert [result["index"] for result in answer["results"]] == [1]
    assert answer["meta"]["warnings"] == ["1 of 2 documents not scored in time"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"query": "q" * 10_001, "documents": ["a"]}, "[query]: string should have at most 10000"),
        ({"query": "q", "documents": ["a"], "instruction": "i" * 10_001}, "[instruction]"),
        ({"query": " ", "documents": ["a"]}, "[query]: string should match pattern"),
        ({"query": "q", "documents": []}, "[documents]: list should have at least 1 item"),
        ({"query": "q", "documents": ["a"], "top_n": 0}, "[top_n]: input should be greater"),
        ({"query": "q", "documents": [{"title": "a"}]}, "[documents.0"),
        ({"query": "q", "documents": ["a"] * 1001}, "1001 documents in one request"),
    ],
)
def test_an_invalid_rerank_request_is_refused_with_the_reason(
    url: str, body: dict[str, Any], words: str
) -> None:
    got = _rerank(url, **body)
    assert got.status == got.json()["status"] == 400
    assert words in got.json()["error"]["reason"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/search", {"text": "a", "filters": {"b": [None] * 9000}}),
        ("/search", {"text": "a", "selected": {f"b{n}": [[]] for n in range(3000)}}),
        ("/v1/rerank", {"query": "a", "documents": [None] * 9000}),
    ],
)
def test_the_first_wrong_value_is_reported(url: str, path: str, body: dict[str, Any]) -> None:
    """Not each of them, in the words of each permitted form: 45,000 reasons took seconds."""
    got = ask(url, path, method="POST", body=body)
    assert got.status == 400
    assert len(got.json()["error"]["reason"]) < 500


def test_a_body_that_is_no_json_is_refused(url: str) -> None:
    headers = {"Content-Type": "application/json"}
    bodies = (
        b"{", b"[" * 100_000, b"\xff", b"null", b'{"query": NaN}', b"[1," * 200 + b"1" + b"]" * 200,
        b'{"query": "\\ud83d", "documents": ["a"]}', b'{"text": "a", "filters": {"b": "\\udc00"}}',
        b'{"text": "a", "filters": {"b": ' + b'{"not": ' * 150 + b"1" + b"}" * 150 + b"}}",
        b'{"text": "a", "filters": {"b": [' + b"null," * 10_000 + b"1]}}",
    )  # fmt: skip
    for path, body in itertools.product(("/v1/rerank", "/search"), bodies):
        got = ask(url, path, method="POST", body=body, headers=headers)
        assert got.status == 400, body[:100]
        assert got.json()["error"]["type"] == "illegal_argument_exception"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (RerankError("is dead", place="10.0.0.7"), 502),
        (SettingsError("is wrong", place="rerank.url"), 500),
        (StorageError("is full", place="/var/lib"), 507),
    ],
)
def test_a_failing_reranker_has_the_status_of_its_error(
    reranker: FakeReranker, url: str, error: EsHybridError, status: int
) -> None:
    reranker.error = error
    got = _rerank(url, query="q", documents=["a"])
    assert (got.status, got.json()["error"]["reason"]) == (status, error.message)


def test_without_a_reranker_reranking_is_refused() -> None:
    with serving(dead_url(), embedder=FakeEmbedder(), rerank={"enabled": False}) as address:
        got = _rerank(address, query="q", documents=["a"])
        assert got.status == 501
        assert ask(address, "/readyz").json()["rerank"] == "off"


def test_api_keys_guard_our_own_endpoints_only() -> None:
    keys = {"api_keys": [KEY, "another-key-of-16-or-more"]}
    with serving(
        dead_url(), embedder=FakeEmbedder(), reranker=FakeReranker(), serve=keys
    ) as address:
        for headers in (
            {},
            {"X-API-Key": "wrong"},
            {"Authorization": f"Basic {KEY}"},
            {"Authorization": f"Bearer {KEY}x"},
            {"X-API-Key": "ä"},
        ):
            got = _rerank(address, headers, query="q", documents=["a"])
            assert got.status == 401, headers
            assert got.headers["WWW-Authenticate"] == "Bearer"
            assert KEY not in got.body.decode()
        for headers in ({"X-API-Key": KEY}, {"Authorization": f"bearer {KEY}"}):
            assert _rerank(address, headers, query="q", documents=["a"]).status == 200
        assert ask(address, "/healthz").status == 200


def test_ready_names_the_part_that_is_missing(url: str, served: str) -> None:
    assert ask(url, "/healthz").json() == {"status": "ok"}
    got = ask(url, "/readyz")
    assert got.status == 503
    assert got.json()["status"] == "unavailable"
    assert "cannot be reached" in got.json()["elasticsearch"]
    ready = ask(served, "/readyz")
    assert (ready.status, ready.json()["status"]) == (200, "ready")


def test_a_part_that_fails_makes_the_server_ready_but_degraded(served: str) -> None:
    origin = _origin_of(served)
    with serving(
        origin, embedder=FakeEmbedder(), reranker=FakeReranker(error=RerankError("is dead"))
    ) as address:
        got = ask(address, "/readyz")
    assert got.status == 200
    assert got.json() == {
        "status": "degraded",
        "elasticsearch": "ok",
        "embedding": "ok",
        "rerank": "is dead",
    }


def test_a_reranker_that_fails_its_canaries_is_reported_and_comes_back(
    served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("es_hybrid.reranking.checked._FAILED", 0.0)
    with (
        RerankServer(serving_model(by_chance)) as server,
        serving(_origin_of(served), embedder=FakeEmbedder(), rerank={"url": server.url}) as address,
    ):
        asked: dict[str, Any] = {"query": "kettle", "documents": ["a kettle", "a scale"]}
        wait_until(lambda: _rerank(address, **asked).status == 502)
        assert "head is random" in _rerank(address, **asked).json()["error"]["reason"]
        ready = ask(address, "/readyz").json()
        assert ready["status"] == "degraded"
        assert ready["rerank"].startswith("fails its canaries: ")
        server.respond = serving_model(by_overlap)
        wait_until(lambda: _rerank(address, **asked).status == 200)


def _origin_of(served: str) -> str:
    nodes = ask(served, "/_nodes/http").json()["nodes"]
    (node,) = nodes.values()
    return f"http://{node['http']['publish_address']}"


def test_metrics(url: str) -> None:
    _rerank(url, query="q", documents=["a"])
    ask(url, "/_nodes")
    lines = ask(url, "/metrics").body.decode().splitlines()
    assert 'es_hybrid_requests_total{door="own",status="200"} 1.0' in lines
    assert 'es_hybrid_requests_total{door="pass",status="503"} 1.0' in lines
    assert 'es_hybrid_stage_seconds_count{stage="rerank"} 1.0' in lines
    assert "es_hybrid_in_flight 1.0" in lines  # this request itself


def test_an_official_client_that_asks_for_the_index_metrics_gets_the_index(
    served: str, url: str
) -> None:
    client = {"Accept": "application/vnd.elasticsearch+json; compatible-with=9"}
    assert ask(served, "/metrics", headers=client).json()["error"]["index"] == "metrics"
    assert ask(served, "/metrics", headers={"Accept": "*/*"}).status == 200


def test_the_api_description_names_every_endpoint(url: str) -> None:
    paths = ask(url, "/v1/openapi.json").json()["paths"]
    assert set(paths) == {
        "/events", "/healthz", "/metrics", "/readyz", "/search", "/similar", "/suggest",
        "/v1/rerank"
    }  # fmt: skip
    assert "swagger" in ask(url, "/v1/docs").body.decode()


@pytest.mark.parametrize("path", ["/search", "/v1/rerank", "/v2/rerank"])
def test_a_key_is_checked_before_the_body_is_read(path: str) -> None:
    """The body of a stranger is not waited for."""
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900000\r\n\r\n".encode()
    with serving(dead_url(), embedder=FakeEmbedder(), serve={"api_keys": [KEY]}) as address:
        parts = urlsplit(address)
        with socket.create_connection((parts.hostname, parts.port), timeout=PATIENCE) as caller:
            caller.sendall(head)
            assert caller.recv(65536).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize("path", ["/v1/rerank", "/search"])
def test_a_caller_who_leaves_frees_the_place(node: EmbeddedNode, products: str, path: str) -> None:
    held = threading.Event()
    reranker = FakeReranker(held=held)
    body = {"query": "q", "documents": ["a"]} if path == "/v1/rerank" else {"text": "red"}
    text = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    try:
        with serving(
            node.url,
            embedder=FakeEmbedder(),
            reranker=reranker,
            index={"name": products},
            search={"timeout_ms": 0},
        ) as address:
            parts = urlsplit(address)
            with socket.create_connection((parts.hostname, parts.port)) as caller:
                caller.sendall(head.encode() + b"content-length: %d\r\n\r\n" % len(text) + text)
                assert reranker.entered.acquire(timeout=PATIENCE)
                assert "es_hybrid_places_taken 1.0" in ask(address, "/metrics").body.decode()
            wait_until(
                lambda: "es_hybrid_places_taken 0.0" in ask(address, "/metrics").body.decode()
            )
            assert not held.is_set()
            held.set()
    finally:
        held.set()
