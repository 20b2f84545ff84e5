"""The OpenAI-compatible embedder, against a real server over a socket."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import EmbeddingError, TextsRefused, TextTooLong
from es_hybrid.settings import EmbeddingSettings
from tests.fakes.embedding import EmbeddingServer, Fault, embeddings_body, vector_of
from tests.fakes.http import Answer, dead_url, json_answer
from tests.pauses import PATIENCE


@pytest.fixture
def opened() -> Iterator[list[OpenAIEmbedder]]:
    embedders: list[OpenAIEmbedder] = []
    yield embedders
    for embedder in embedders:
        embedder.close()


def _embedder(
    server: EmbeddingServer | str, opened: list[OpenAIEmbedder], **settings: Any
) -> OpenAIEmbedder:
    url = server if isinstance(server, str) else server.url
    options = {"base_url": url, "max_retries": 2, "timeout": 5, **settings}
    opened.append(OpenAIEmbedder(EmbeddingSettings.model_validate(options)))
    return opened[-1]


def test_documents_come_back_in_order_over_many_concurrent_requests(
    opened: list[OpenAIEmbedder],
) -> None:
    texts = [f"product {i}" for i in range(103)]
    with EmbeddingServer(dims=32) as server:
        vectors = _embedder(server, opened, batch_size=8, concurrency=4).embed_documents(texts)
    assert vectors.shape == (103, 32)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [vector_of(text, 32) for text in texts], rtol=1e-5)
    assert max(len(request["input"]) for request in server.requests) == 8


def test_no_text_gives_no_vector(opened: list[OpenAIEmbedder]) -> None:
    with EmbeddingServer(dims=32) as server:
        assert _embedder(server, opened).embed_documents([]).shape == (0, 32)


def test_only_queries_carry_the_instruction(opened: list[OpenAIEmbedder]) -> None:
    with EmbeddingServer() as server:
        embedder = _embedder(server, opened, query_instruction="Find the product")
        embedder.embed_documents(["kettle"])
        vector = embedder.embed_query("kettle")
    assert server.texts[-2:] == ["kettle", "Instruct: Find the product\nQuery:kettle"]
    np.testing.assert_allclose(
        vector, vector_of("Instruct: Find the product\nQuery:kettle", 64), rtol=1e-5
    )


def test_dimensions_are_sent_to_a_server_that_accepts_them(opened: list[OpenAIEmbedder]) -> None:
    with EmbeddingServer(dims=128) as server:
        embedder = _embedder(server, opened, dims=32)
        vectors = embedder.embed_documents(["a"])
    assert vectors.shape == (1, 32)
    assert {request.get("dimensions") for request in server.requests} == {32}
    assert embedder.identity.dims == 32


def test_vectors_of_a_server_that_refuses_dimensions_are_truncated(
    opened: list[OpenAIEmbedder],
) -> None:
    with EmbeddingServer(dims=128, takes_dimensions=False) as server:
        vectors = _embedder(server, opened, dims=32).embed_documents(["a"])
    np.testing.assert_allclose(vectors, [vector_of("a", 32)], rtol=1e-5)
    assert "dimensions" not in server.requests[-1]


def test_without_configured_dims_those_of_the_model_are_used(opened: list[OpenAIEmbedder]) -> None:
    with EmbeddingServer(dims=96, base64=False) as server:
        assert _embedder(server, opened).identity.dims == 96


def test_the_key_is_sent_to_the_server_and_not_printed(opened: list[OpenAIEmbedder]) -> None:
    with EmbeddingServer() as server:
        embedder = _embedder(server, opened, api_key="sk-canary")
        embedder.embed_query("a")
    assert set(server.keys) == {"Bearer sk-canary"}
    assert "sk-canary" not in repr(embedder.__dict__["_settings"])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_text_and_key_stay_here(
    opened: list[OpenAIEmbedder], status: int
) -> None:
    with EmbeddingServer() as elsewhere:
        redirect = Answer(status, b"", {"Location": f"{elsewhere.url}/embeddings"})
        with EmbeddingServer(fault=lambda r, n: redirect) as server:
            with pytest.raises(EmbeddingError, match=f"answered {status}.*final address"):
                _embedder(server, opened, api_key="sk-canary").embed_query("a")
            assert server.requests
        assert elsewhere.connections == 0


def _once(fault: Fault) -> Fault:
    """The fault only for the first request after the probe."""
    return lambda request, number: fault(request, number) if number == 2 else None


def _status(status: int, **headers: str) -> Fault:
    return lambda request, number: Answer(status, b'{"error": {"message": "no"}}', headers)


def _cut_json(request: dict[str, Any], number: int) -> Answer:
    return Answer(200, b'{"data": [{"index": 0, "embed')


def _html(request: dict[str, Any], number: int) -> Answer:
    return Answer(200, b"<html>Welcome</html>", {"Content-Type": "text/html"})


def _nan(request: dict[str, Any], number: int) -> Answer:
    vectors = [np.full(64, np.nan, dtype=np.float32) for _ in request["input"]]
    return json_answer(200, embeddings_body(vectors))


def _too_few(request: dict[str, Any], number: int) -> Answer:
    vectors = [vector_of(text, 64) for text in request["input"][1:]]
    return json_answer(200, embeddings_body(vectors))


def _wrong_dims(request: dict[str, Any], number: int) -> Answer:
    return json_answer(200, embeddings_body([vector_of(text, 8) for text in request["input"]]))


def _zero(request: dict[str, Any], number: int) -> Answer:
    return json_answer(200, embeddings_body([np.zeros(64, dtype=np.float32)] * 2))


@pytest.mark.parametrize(
    "fault",
    [
        _status(500),
        _status(503),
        _status(429),
        _cut_json,
        _html,
        _nan,
        _too_few,
        _wrong_dims,
        _zero,
    ],
)
def test_a_temporary_fault_is_retried_and_never_becomes_a_vector(
    fault: Fault, opened: list[OpenAIEmbedder]
) -> None:
    with EmbeddingServer(fault=_once(fault)) as server:
        vectors = _embedder(server, opened).embed_documents(["a", "b"])
    np.testing.assert_allclose(vectors, [vector_of("a", 64), vector_of("b", 64)], rtol=1e-5)
    assert len(server.requests) == 3, "the fault did not occur"


def test_retry_after_is_honoured(opened: list[OpenAIEmbedder]) -> None:
    waited: list[float] = []

    def fault(request: dict[str, Any], number: int) -> Any:
        waited.append(time.monotonic())
        return Answer(429, b"{}", {"Retry-After": "2"}) if number == 2 else None

    with EmbeddingServer(fault=fault) as server:
        _embedder(server, opened).embed_query("a")
    assert len(waited) == 3
    assert waited[2] - waited[1] >= 1.9


def test_a_permanent_bad_answer_is_an_error_that_names_the_problem(
    opened: list[OpenAIEmbedder],
) -> None:
    with EmbeddingServer(fault=lambda r, n: _nan(r, n) if n > 1 else None) as server:
        with pytest.raises(EmbeddingError, match=r"3 attempts: a vector contains NaN") as caught:
            _embedder(server, opened).embed_query("a")
        assert server.url in str(caught.value)
    assert len(server.requests) == 4


@pytest.mark.parametrize(
    ("fault", "problem", "remedy"),
    [
        (_status(401), "answered 401", "embedding.api_key"),
        (_status(404), "answered 404", "embedding.base_url"),
        (_status(400), "answered 400", "embedding.model"),
        (_status(500), "answered 500", "log"),
        (_html, "not JSON", "embedding.base_url"),
    ],
)
def test_a_server_that_refuses_is_an_error_with_a_remedy(
    fault: Fault, problem: str, remedy: str, opened: list[OpenAIEmbedder]
) -> None:
    with (
        EmbeddingServer(fault=fault) as server,
        pytest.raises(EmbeddingError, match=problem) as caught,
    ):
        _ = _embedder(server, opened, max_retries=0).identity
    assert remedy in caught.value.remedy


def test_an_unreachable_server_names_the_setting(
    opened: list[OpenAIEmbedder],
) -> None:
    url = f"{dead_url()}/v1"
    with pytest.raises(EmbeddingError, match=r"cannot be reached.*embedding\.base_url"):
        _ = _embedder(url, opened, max_retries=0).identity


def test_a_slow_server_exceeds_the_timeout(opened: list[OpenAIEmbedder]) -> None:
    given_up = threading.Event()

    def slow(request: dict[str, Any], number: int) -> None:
        given_up.wait(PATIENCE)

    with (
        EmbeddingServer(fault=slow) as server,
        pytest.raises(EmbeddingError, match=r"within 0\.2 s"),
    ):
        _ = _embedder(server, opened, max_retries=0, timeout=0.2).identity
    given_up.set()


def test_a_model_with_fewer_dims_than_configured_is_refused(opened: list[OpenAIEmbedder]) -> None:
    with (
        EmbeddingServer(dims=64, takes_dimensions=False) as server,
        pytest.raises(EmbeddingError, match=r"gives 64 dims, embedding\.dims asks for 512"),
    ):
        _ = _embedder(server, opened, dims=512).identity


@pytest.mark.parametrize("status", [400, 422, 500])
@pytest.mark.parametrize("dims", [None, 32])
def test_floats_are_requested_from_a_server_that_refuses_base64(
    opened: list[OpenAIEmbedder], status: int, dims: int | None
) -> None:
    def fault(request: dict[str, Any], number: int) -> Any:
        refused = request["encoding_format"] == "base64"
        return json_answer(status, {"message": "only float"}) if refused else None

    with EmbeddingServer(base64=False, fault=fault) as server:
        embedder = _embedder(server, opened, dims=dims)
        for text in ("a", "b"):
            np.testing.assert_allclose(
                embedder.embed_documents([text]), [vector_of(text, dims or 64)], rtol=1e-5
            )
    formats = [request["encoding_format"] for request in server.requests]
    assert formats == ["base64", "float", "float", "float"], "it is remembered"
    assert {request.get("dimensions") for request in server.requests} == {dims}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": {"message": "no such model", "code": None}}, "no such model"),
        (400, {"object": "error", "message": "no such model"}, "no such model"),
        (413, {"error": "`inputs` must …", "error_type": "Validation"}, "`inputs` must …"),
        (400, {"detail": "no such model"}, "no such model"),
        (
            422,
            {"detail": [{"type": "enum", "loc": ["body"], "msg": "wrong", "input": "too long"}]},
            "wrong",
        ),
        (422, {"detail": ["no msg", {"loc": ["body"]}]}, "no msg"),
        (400, "no such model", "no such model"),
        (400, {"code": 7}, "{'code': 7}"),
        (400, None, "Bad Request"),
        (400, [], "Bad Request"),
    ],
)
def test_the_words_of_the_server_are_shown(
    opened: list[OpenAIEmbedder], status: int, body: Any, reason: str
) -> None:
    refusal = json_answer(status, body)
    with (
        EmbeddingServer(fault=lambda request, number: refusal) as server,
        pytest.raises(TextsRefused) as caught,
    ):
        _embedder(server, opened).embed_query("kettle")
    assert not isinstance(caught.value, TextTooLong)
    assert caught.value.message == f"answered {status}: {reason}"


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (422, "batch size {} > maximum allowed batch size 8"),
        (400, "<400> InvalidParameter: batch size is invalid, it should not be larger than 8.: in"),
        (413, "at most 8 requests can be in one batch"),
    ],
)
def test_a_batch_limit_is_found_and_remembered(
    opened: list[OpenAIEmbedder], status: int, message: str
) -> None:
    def fault(request: dict[str, Any], number: int) -> Any:
        sent = len(request["input"])
        return json_answer(status, {"message": message.format(sent)}) if sent > 8 else None

    texts = [f"product {i}" for i in range(40)]
    with EmbeddingServer(fault=fault) as server:
        embedder = _embedder(server, opened, batch_size=20, concurrency=1)
        for _ in range(2):
            np.testing.assert_allclose(
                embedder.embed_documents(texts), [vector_of(text, 64) for text in texts], rtol=1e-5
            )
        assert embedder.batch_size == 8
    sizes = [len(request["input"]) for request in server.requests[1:]]
    assert sizes[-5:] == [8] * 5
    assert sum(size > 8 for size in sizes) <= 2


def test_a_query_that_is_too_long_is_cut(opened: list[OpenAIEmbedder]) -> None:
    def fault(request: dict[str, Any], number: int) -> Any:
        too_long = len(request["input"][0]) > 200
        return json_answer(413, {"message": "too many tokens"}) if too_long else None

    with EmbeddingServer(fault=fault) as server:
        embedder = _embedder(server, opened, query_instruction="")
        query = "red kettle " * 60
        vector = embedder.embed_query(query, timeout=60)
    np.testing.assert_allclose(vector, vector_of(query[:165], 64), rtol=1e-5)


def test_a_document_that_is_too_long_is_an_error_here(opened: list[OpenAIEmbedder]) -> None:
    """Canaries are never cut: their vectors would be those of another text."""
    fault: Fault = lambda r, n: json_answer(413, {"message": "too long"}) if n > 1 else None  # noqa: E731
    with EmbeddingServer(fault=fault) as server, pytest.raises(TextTooLong):
        _embedder(server, opened).embed_documents(["a" * 1000])
    assert len(server.requests) == 2
