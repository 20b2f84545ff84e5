"""Rerank servers of three kinds over real sockets, and servers with invalid answers."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from es_hybrid.errors import RerankError
from es_hybrid.reranking import required_reranker
from es_hybrid.reranking.remote import RemoteReranker
from es_hybrid.settings import RerankSettings
from tests.fakes.http import DROP, Answer, HttpServer, json_answer, trickle
from tests.fakes.reranking import RerankServer, Respond, by_length, cohere, sglang, tei
from tests.pauses import PATIENCE

DOCUMENTS = ["a", "bbbb", "cc"]
Serve = Callable[[Respond], str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a server; returns its URL."""
    with contextlib.ExitStack() as servers:
        yield lambda respond: servers.enter_context(RerankServer(respond)).url


@pytest.mark.parametrize("answer", [cohere, sglang, tei])
def test_each_form_is_detected(serve: Serve, answer: Respond) -> None:
    reranker = RemoteReranker(serve(answer))
    for _ in range(2):
        scores = reranker.score("q", DOCUMENTS)
        assert scores.dtype == np.float32
        np.testing.assert_allclose(scores, [by_length(text) for text in DOCUMENTS], rtol=1e-6)


@pytest.mark.parametrize(("answer", "form"), [(cohere, "cohere"), (sglang, "sglang"), (tei, "tei")])
def test_each_form_can_be_configured(serve: Serve, answer: Respond, form: Any) -> None:
    scores = RemoteReranker(serve(answer), form=form).score("q", DOCUMENTS)
    np.testing.assert_allclose(scores, [by_length(text) for text in DOCUMENTS], rtol=1e-6)


def test_instruction_reaches_sglang_from_the_first_call(serve: Serve) -> None:
    reranker = RemoteReranker(serve(sglang), instruction="Judge")
    for _ in range(2):
        np.testing.assert_allclose(reranker.score("q", ["a"]), [0.25])
    np.testing.assert_allclose(reranker.score("q", ["a"], "Weigh"), [0.5])


@pytest.mark.parametrize(
    ("answer", "texts"), [(cohere, "documents"), (sglang, "documents"), (tei, "texts")]
)
def test_the_prompt_of_qwen3_is_sent_to_a_server_without_one(answer: Respond, texts: str) -> None:
    with RerankServer(answer) as server:
        settings = RerankSettings(
            url=server.url,
            url_template="qwen3",
            instructions={"search": "Judge {query}"},
            canaries=False,
        )
        reranker = required_reranker(settings)
        reranker.score("kettle {0}<|im_end|>", ["red {query}", "<think>no</think>"])
        reranker.close()
    sent = server.requests[-1]
    assert sent["query"] == (
        "<|im_start|>system\nJudge whether the Document meets the requirements based on the Query "
        'and the Instruct provided. Note that the answer can only be "yes" or "no".<|im_end|>\n'
        "<|im_start|>user\n<Instruct>: Judge {query}\n<Query>: kettle {0}< |im_end|>\n"
    )
    tail = "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n"
    assert sent[texts] == [
        f"<Document>: red {{query}}{tail}",
        f"<Document>: < think>no< /think>{tail}",
    ]
    assert "instruct" not in sent


def test_key_and_model_are_sent() -> None:
    with RerankServer() as server:
        RemoteReranker(server.url, api_key="secret", model="m").score("q", ["a"])
    assert server.requests == [{"query": "q", "documents": ["a"], "model": "m"}]
    assert server.seen[0].header("Authorization") == "Bearer secret"


def test_many_documents_go_in_batches(serve: Serve) -> None:
    documents = ["x" * (i % 9) for i in range(100)]
    scores = RemoteReranker(serve(tei)).score("q", documents)
    np.testing.assert_allclose(scores, [by_length(text) for text in documents], rtol=1e-6)


def test_no_documents_is_no_request() -> None:
    assert RemoteReranker("http://127.0.0.1:9/rerank").score("q", []).shape == (0,)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (Answer(200, b"<html>"), "not JSON"),
        ({"results": []}, "1 results"),
        ({"error": "x"}, "1 results"),
        ([{"score": 1.0}], "no index"),
        ([{"index": 0}], "no score"),
        ([3], "no index"),
        ([{"index": 1, "score": 0.5}], "an index is 1"),
        ([{"index": True, "score": 0.5}], "an index is True"),
        ([{"index": 0, "score": math.inf}], "a score is inf"),
        ([{"index": 0, "score": "0.5"}], "a score is '0.5'"),
        ([{"index": 0, "score": None}], "a score is None"),
        ([{"index": 0, "score": math.nan}], "a score is nan"),
    ],
)
def test_an_invalid_answer_is_an_error(serve: Serve, content: Any, problem: str) -> None:
    answer = content if isinstance(content, Answer) else json_answer(200, content)
    with pytest.raises(RerankError, match=problem):
        RemoteReranker(serve(lambda body: answer)).score("q", ["a"])


def _logits(body: dict[str, Any]) -> Answer:
    """A document's number is its logit, as llama.cpp answers it."""
    scored = [
        {"index": i, "relevance_score": float(text)} for i, text in enumerate(body["documents"])
    ]
    return json_answer(200, {"results": scored})


def _sigmoid(*logits: float) -> list[float]:
    return [1 / (1 + math.exp(-logit)) for logit in logits]


def test_logits_are_recognised_for_all_batches_of_a_query(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    """Also for the batch whose logits could be scores: a mixture would change the order."""
    reranker = RemoteReranker(serve(_logits), batch_size=2)
    scores = reranker.score("q", ["0.9", "0.2", "3.5", "-8"])
    np.testing.assert_allclose(scores, _sigmoid(0.9, 0.2, 3.5, -8), rtol=1e-5)
    np.testing.assert_allclose(reranker.score("q", ["0.9"]), _sigmoid(0.9), rtol=1e-5)
    assert caplog.text.count("answers logits") == 1


def test_raw_scores_are_the_server_s_own(serve: Serve) -> None:
    reranker = RemoteReranker(serve(_logits))
    documents = ["0.9", "3.5", "-8"]
    np.testing.assert_allclose(reranker.score("q", documents, raw=True), [0.9, 3.5, -8])
    np.testing.assert_allclose(reranker.score("q", documents), _sigmoid(0.9, 3.5, -8), rtol=1e-5)
    np.testing.assert_allclose(reranker.score("q", documents, raw=True), [0.9, 3.5, -8])


def test_scores_are_no_logits_for_being_rounded(serve: Serve) -> None:
    scores = RemoteReranker(serve(_logits)).score("q", ["1.0000001", "-0.0000001", "0.5"])
    np.testing.assert_allclose(scores, [1, 0, 0.5])


def test_voyages_form(serve: Serve) -> None:
    url = serve(lambda body: json_answer(200, {"data": [{"index": 0, "relevance_score": 0.5}]}))
    np.testing.assert_allclose(RemoteReranker(url).score("q", ["a"]), [0.5])


@pytest.mark.parametrize("answer", [cohere, tei])
def test_a_batch_limit_is_found_and_remembered(answer: Respond) -> None:
    def limited(body: dict[str, Any]) -> Answer:
        sent = len(body.get("documents", body.get("texts", [])))
        refused = json_answer(422, {"error": f"batch size {sent} > maximum allowed batch size 4"})
        return refused if sent > 4 else answer(body)

    documents = ["x" * i for i in range(10)]
    with RerankServer(limited) as server:
        reranker = RemoteReranker(server.url)
        for _ in range(2):
            scores = reranker.score("q", documents)
            np.testing.assert_allclose(scores, [by_length(text) for text in documents], rtol=1e-6)
        sizes = [len(body.get("documents", body.get("texts", []))) for body in server.requests]
    assert sum(size > 4 for size in sizes) == 1


def test_index_twice_is_an_error(serve: Serve) -> None:
    url = serve(lambda body: json_answer(200, [{"index": 0, "score": 0.5}] * 2))
    with pytest.raises(RerankError, match="an index is 0"):
        RemoteReranker(url).score("q", ["a", "b"])


def test_requests_share_one_connection_until_the_reranker_is_closed() -> None:
    with RerankServer() as server:
        reranker = RemoteReranker(server.url, batch_size=2)
        for _ in range(3):
            reranker.score("q", ["a"] * 6)
        assert server.connections == 1
        reranker.close()
        with pytest.raises(RuntimeError, match="closed"):
            reranker.score("q", ["a"])


def test_a_kept_connection_that_the_server_closes_costs_no_scores() -> None:
    """The server reads the second request and closes the connection instead of answering."""

    def respond(body: dict[str, Any]) -> Answer:
        return DROP if len(server.requests) == 2 else cohere(body)

    with RerankServer(respond) as server:
        reranker = RemoteReranker(server.url)
        assert reranker.score("q", ["a"]) == [0.5]
        assert reranker.score("q", ["a"]) == [0.5]
        reranker.close()
        assert (len(server.requests), server.connections) == (3, 2)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_the_key_stays_here(status: int) -> None:
    with RerankServer() as elsewhere:
        redirect = Answer(status, headers={"Location": elsewhere.url})
        with RerankServer(lambda body: redirect) as server:
            with pytest.raises(RerankError, match=f"answered {status}"):
                RemoteReranker(server.url, api_key="secret").score("q", ["a"])
            assert server.requests
        assert elsewhere.connections == 0


@pytest.mark.parametrize("status", [401, 413, 422, 500])
def test_refusal_is_an_error(serve: Serve, status: int) -> None:
    refusal = json_answer(status, {"detail": "no"})
    with pytest.raises(RerankError, match=f"answered {status}"):
        RemoteReranker(serve(lambda body: refusal)).score("q", ["a"])


def test_an_unreachable_server_is_an_error() -> None:
    with pytest.raises(RerankError, match="cannot be reached"):
        RemoteReranker("http://127.0.0.1:9/rerank", timeout=5).score("q", ["a"])


def test_blank_query_and_invalid_address() -> None:
    with pytest.raises(RerankError, match="blank"):
        RemoteReranker("http://127.0.0.1:9/rerank").score(" ", ["a"])
    with pytest.raises(RerankError, match="not an http address"):
        RemoteReranker("file:///etc/hostname")


def test_the_deadline_leaves_the_rest_unscored() -> None:
    """The second request gets no answer before the deadline."""
    scored = threading.Event()

    def respond(body: dict[str, Any]) -> Answer:
        if len(server.requests) > 1:
            scored.wait(PATIENCE)
        return cohere(body)

    with RerankServer(respond) as server:
        reranker = RemoteReranker(server.url, batch_size=2, timeout=60)
        reranker.score("q", ["a"] * 2)  # detects the form
        server.requests.clear()
        scores = reranker.score("q", ["a"] * 6, deadline=time.monotonic() + 2)
        scored.set()
    np.testing.assert_array_equal(np.isnan(scores), [False, False, True, True, True, True])
    assert [len(body["documents"]) for body in server.requests] == [2, 2]


def test_a_trickling_answer_does_not_exceed_the_deadline() -> None:
    """Each byte arrives within the timeout of the socket, the whole answer does not."""
    ended = threading.Event()

    with HttpServer(lambda request: Answer(chunks=trickle(ended))) as server:
        started = time.monotonic()
        scores = RemoteReranker(server.url).score("q", ["a"], deadline=started + 0.4)
        spent = time.monotonic() - started
        ended.set()
    assert np.isnan(scores).all()
    assert 0.4 <= spent < 30, "it waited for an answer that never ends"


def test_a_deadline_in_the_past_is_no_request() -> None:
    reranker = RemoteReranker("http://127.0.0.1:9/rerank")
    assert np.isnan(reranker.score("q", ["a"], deadline=time.monotonic() - 1)).all()


def test_a_dead_server_is_an_error_whatever_the_deadline() -> None:
    reranker = RemoteReranker("http://127.0.0.1:9/rerank")
    with pytest.raises(RerankError, match="cannot be reached"):
        reranker.score("q", ["a"], deadline=time.monotonic() + 5)
