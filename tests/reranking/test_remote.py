"""Rerank servers of three kinds over real sockets, and servers with invalid answers."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import RerankError
from es_hybrid.reranking.remote import RemoteReranker

DOCUMENTS = ["a", "bbbb", "cc"]
Answer = Callable[[dict[str, Any]], tuple[int, Any]]
Serve = Callable[[Answer], str]


def value(text: str) -> float:
    return 1.0 / (1 + len(text))


def cohere(body: dict[str, Any]) -> tuple[int, Any]:
    if set(body) - {"model", "query", "documents"}:
        return 422, {"detail": "unknown field"}
    scored = [{"index": i, "relevance_score": value(d)} for i, d in enumerate(body["documents"])]
    return 200, {"results": sorted(scored, key=lambda one: -one["relevance_score"])}


def sglang(body: dict[str, Any]) -> tuple[int, Any]:
    weight = 0.5 if body.get("instruct") == "Judge" else 1.0
    scored = [
        {"index": i, "score": weight * value(d), "document": d}
        for i, d in enumerate(body["documents"])
    ]
    return 200, sorted(scored, key=lambda one: -one["score"])


def tei(body: dict[str, Any]) -> tuple[int, Any]:
    if "texts" not in body:
        return 422, {"error": "missing field `texts`"}
    if len(body["texts"]) > 32:
        return 413, {"error": "batch size too large"}
    scored = [{"index": i, "score": value(d)} for i, d in enumerate(body["texts"])]
    return 200, sorted(scored, key=lambda one: one["index"] % 2)


class Server(ThreadingHTTPServer):
    connections = 0

    def process_request(self, request: Any, client_address: Any) -> None:
        self.connections += 1
        super().process_request(request, client_address)


@pytest.fixture
def servers() -> Iterator[list[Server]]:
    started: list[Server] = []
    yield started
    for server in started:
        server.shutdown()
        server.server_close()


@pytest.fixture
def serve(servers: list[Server]) -> Serve:
    def start(answer: Answer) -> str:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                body |= {"key": key} if (key := self.headers.get("Authorization")) else {}
                status, content = answer(body)
                data = content if isinstance(content, bytes) else json.dumps(content).encode()
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", content["location"])
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *arguments: Any) -> None:
                pass

        server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/rerank"

    return start


@pytest.mark.parametrize("answer", [cohere, sglang, tei])
def test_each_form_is_detected(serve: Serve, answer: Answer) -> None:
    reranker = RemoteReranker(serve(answer))
    for _ in range(2):
        scores = reranker.score("q", DOCUMENTS)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, [value(text) for text in DOCUMENTS], rtol=1e-6)


@pytest.mark.parametrize(("answer", "form"), [(cohere, "cohere"), (sglang, "sglang"), (tei, "tei")])
def test_each_form_can_be_configured(serve: Serve, answer: Answer, form: Any) -> None:
    scores = RemoteReranker(serve(answer), form=form).score("q", DOCUMENTS)
    np.testing.assert_allclose(scores, [value(text) for text in DOCUMENTS], rtol=1e-6)


def test_instruction_reaches_sglang_from_the_first_call(serve: Serve) -> None:
    reranker = RemoteReranker(serve(sglang), instruction="Judge")
    for _ in range(2):
        np.testing.assert_allclose(reranker.score("q", ["a"]), [0.25])
    np.testing.assert_allclose(reranker.score("q", ["a"], "Weigh"), [0.5])


def test_key_and_model_are_sent(serve: Serve) -> None:
    seen: list[dict[str, Any]] = []

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        seen.append(dict(body))
        return 200, {"results": [{"index": 0, "relevance_score": 1}]}

    RemoteReranker(serve(answer), api_key="secret", model="m").score("q", ["a"])
    assert seen == [{"query": "q", "documents": ["a"], "model": "m", "key": "Bearer secret"}]


def test_many_documents_go_in_batches(serve: Serve) -> None:
    documents = ["x" * (i % 9) for i in range(100)]
    scores = RemoteReranker(serve(tei)).score("q", documents)
    np.testing.assert_allclose(scores, [value(text) for text in documents], rtol=1e-6)


def test_no_documents_is_no_request() -> None:
    assert RemoteReranker("http://127.0.0.1:9/rerank").score("q", []).shape == (0,)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"<html>", "not JSON"),
        ({"results": []}, "1 results"),
        ({"error": "x"}, "1 results"),
        ([{"score": 1.0}], "no index"),
        ([{"index": 0}], "no score"),
        ([3], "no index"),
        ([{"index": 1, "score": 0.5}], "an index is 1"),
        ([{"index": True, "score": 0.5}], "an index is True"),
        ([{"index": 0, "score": 3.2}], "a score is 3.2"),
        ([{"index": 0, "score": None}], "a score is None"),
        (b'[{"index": 0, "score": NaN}]', "a score is nan"),
    ],
)
def test_an_invalid_answer_is_an_error(serve: Serve, content: Any, problem: str) -> None:
    with pytest.raises(RerankError, match=problem):
        RemoteReranker(serve(lambda body: (200, content))).score("q", ["a"])


def test_index_twice_is_an_error(serve: Serve) -> None:
    url = serve(lambda body: (200, [{"index": 0, "score": 0.5}] * 2))
    with pytest.raises(RerankError, match="an index is 0"):
        RemoteReranker(url).score("q", ["a", "b"])


def test_requests_share_one_connection_until_the_reranker_is_closed(
    serve: Serve, servers: list[Server]
) -> None:
    url = serve(cohere)
    reranker = RemoteReranker(url, batch_size=2)
    for _ in range(3):
        reranker.score("q", ["a"] * 6)
    assert servers[0].connections == 1
    reranker.close()
    with pytest.raises(RuntimeError, match="closed"):
        reranker.score("q", ["a"])


def test_a_kept_connection_that_the_server_closes_costs_no_scores() -> None:
    """The server reads the second request and closes the connection instead of answering."""
    body = json.dumps({"results": [{"index": 0, "relevance_score": 0.5}]}).encode()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            for _ in range(2):
                client, _ = server.accept()
                with client:
                    read_request(client)
                    client.sendall(answer)
                    read_request(client)

        thread = threading.Thread(target=work)
        thread.start()
        reranker = RemoteReranker(f"http://127.0.0.1:{server.getsockname()[1]}/rerank")
        assert reranker.score("q", ["a"]) == [0.5]
        assert reranker.score("q", ["a"]) == [0.5]
        reranker.close()
        thread.join()


def read_request(client: socket.socket) -> None:
    data = b""
    while not data.endswith(b"}"):
        part = client.recv(65536)
        if not part:
            return
        data += part


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_stays_here(
    serve: Serve, servers: list[Server], status: int
) -> None:
    elsewhere = serve(cohere)
    url = serve(lambda body: (status, {"location": elsewhere}))
    with pytest.raises(RerankError, match=f"answered {status}"):
        RemoteReranker(url, api_key="secret").score("q", ["a"])
    assert servers[0].connections == 0


@pytest.mark.parametrize("status", [401, 413, 422, 500])
def test_refusal_is_an_error(serve: Serve, status: int) -> None:
    with pytest.raises(RerankError, match=f"answered {status}"):
        RemoteReranker(serve(lambda body: (status, {"detail": "no"}))).score("q", ["a"])


def test_an_unreachable_server_is_an_error() -> None:
    with pytest.raises(RerankError, match="cannot be reached"):
        RemoteReranker("http://127.0.0.1:9/rerank", timeout=5).score("q", ["a"])


def test_blank_query_and_invalid_address() -> None:
    with pytest.raises(RerankError, match="blank"):
        RemoteReranker("http://127.0.0.1:9/rerank").score(" ", ["a"])
    with pytest.raises(RerankError, match="not an http address"):
        RemoteReranker("file:///etc/hostname")


def test_the_deadline_leaves_the_rest_unscored(serve: Serve) -> None:
    """The first request is answered immediately, the second only after the scores are returned."""
    calls: list[int] = []
    scored = threading.Event()

    def answer(body: dict[str, Any]) -> tuple[int, Any]:
        calls.append(len(body["documents"]))
        if len(calls) > 1:
            scored.wait(60)
        return cohere(body)

    reranker = RemoteReranker(serve(answer), batch_size=2, timeout=60)
    reranker.score("q", ["a"] * 2)  # detects the form
    calls.clear()
    scores = reranker.score("q", ["a"] * 6, deadline=time.monotonic() + 2)
    scored.set()
    np.testing.assert_array_equal(np.isnan(scores), [False, False, True, True, True, True])
    assert calls == [2, 2]


def test_a_trickling_answer_does_not_exceed_the_deadline() -> None:
    """Each byte arrives within the timeout of the socket, the whole answer does not."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ended = threading.Event()

        def trickle() -> None:
            client, _ = server.accept()
            with client, contextlib.suppress(OSError):
                client.recv(65536)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
                while not ended.wait(0.05):
                    client.sendall(b" ")

        thread = threading.Thread(target=trickle)
        thread.start()
        started = time.monotonic()
        reranker = RemoteReranker(f"http://127.0.0.1:{server.getsockname()[1]}/rerank")
        scores = reranker.score("q", ["a"], deadline=started + 0.4)
        spent = time.monotonic() - started
        ended.set()
        thread.join()
    assert np.isnan(scores).all()
    assert 0.4 <= spent < 30, "the complete answer takes fifty seconds"


def test_a_deadline_in_the_past_is_no_request() -> None:
    reranker = RemoteReranker("http://127.0.0.1:9/rerank")
    assert np.isnan(reranker.score("q", ["a"], deadline=time.monotonic() - 1)).all()


def test_a_dead_server_is_an_error_whatever_the_deadline() -> None:
    reranker = RemoteReranker("http://127.0.0.1:9/rerank")
    with pytest.raises(RerankError, match="cannot be reached"):
        reranker.score("q", ["a"], deadline=time.monotonic() + 5)
