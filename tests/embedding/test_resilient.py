"""Embedding a feed with a real server over a socket that fails or refuses texts."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.embedding.resilient import EmbeddedText, NotEmbedded, embed_texts
from es_hybrid.errors import EmbeddingError, Outage
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.waiting import Patience
from tests.fakes.embedding import EmbeddingServer, Fault, embeddings_body, vector_of
from tests.fakes.http import Answer, json_answer
from tests.pauses import Pauses


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
def patience(pauses: Pauses) -> Patience:
    return Patience(60.0, pauses)


@pytest.fixture
def embedder_of() -> Iterator[Any]:
    opened: list[OpenAIEmbedder] = []

    def make(server: EmbeddingServer, **settings: Any) -> OpenAIEmbedder:
        options = {"base_url": server.url, "max_retries": 0, "timeout": 5, **settings}
        opened.append(OpenAIEmbedder(EmbeddingSettings.model_validate(options)))
        _ = opened[-1].identity
        return opened[-1]

    yield make
    for embedder in opened:
        embedder.close()


def refusing(status: int, *, with_text: str) -> Fault:
    def fault(request: dict[str, Any], _number: int) -> Any:
        poisoned = any(with_text in text for text in request["input"])
        return json_answer(status, {"error": {"message": "no"}}) if poisoned else None

    return fault


def assert_vectors(
    texts: Sequence[str], results: Sequence[Any], *, but: Sequence[str] = ()
) -> None:
    assert len(texts) == len(results)
    for text, result in zip(texts, results, strict=True):
        assert isinstance(result, NotEmbedded) == (text in but)
        if text not in but:
            np.testing.assert_allclose(result.vector, vector_of(text, 64), rtol=1e-5)


TEXTS = [f"product {number}" for number in range(32)]


def test_a_batch_is_one_request(embedder_of: Any, patience: Patience) -> None:
    with EmbeddingServer() as server:
        embedder = embedder_of(server)
        assert_vectors(TEXTS, embed_texts(embedder, TEXTS, patience))
        assert embed_texts(embedder, [], patience) == []
    assert len(server.requests) == 2  # the first found the dims out


@pytest.mark.parametrize("status", [400, 413, 422, 500])
def test_a_text_that_the_server_refuses_is_isolated(
    embedder_of: Any, patience: Patience, status: int
) -> None:
    """A server that crashes on a text answers 500."""
    with EmbeddingServer(fault=refusing(status, with_text="product 19")) as server:
        results = embed_texts(embedder_of(server), TEXTS, patience)
    assert_vectors(TEXTS, results, but=["product 19"])
    assert f"answered {status}" in str(results[19])


def test_a_text_that_gives_nan_is_isolated(embedder_of: Any, patience: Patience) -> None:
    def fault(request: dict[str, Any], _number: int) -> Any:
        vectors = [
            vector_of(text, 64) * (np.nan if text == "product 3" else 1)
            for text in request["input"]
        ]
        return json_answer(200, embeddings_body(vectors))

    with EmbeddingServer(fault=fault) as server:
        results = embed_texts(embedder_of(server), TEXTS, patience)
    assert_vectors(TEXTS, results, but=["product 3"])
    assert "NaN" in str(results[3])


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_a_server_that_refuses_everything_stops_at_once(
    embedder_of: Any, patience: Patience, status: int
) -> None:
    refuses = False

    def fault(_request: dict[str, Any], _number: int) -> Any:
        return json_answer(status, {"error": {"message": "no"}}) if refuses else None

    with EmbeddingServer(fault=fault) as server:
        embedder = embedder_of(server)
        refuses = True
        with pytest.raises(EmbeddingError, match=f"answered {status}"):
            embed_texts(embedder, TEXTS, patience)
    assert len(server.requests) <= 3


def test_a_server_that_changes_its_dims_stops_at_once(embedder_of: Any, patience: Patience) -> None:
    with EmbeddingServer(dims=64) as server:
        embedder = embedder_of(server)
        server.dims = 32
        with pytest.raises(EmbeddingError, match="32 dims where 64 are needed"):
            embed_texts(embedder, TEXTS, patience)
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [429, 500, 502, 503, 529])
def test_an_outage_is_waited_out(
    embedder_of: Any, patience: Patience, pauses: Pauses, status: int
) -> None:
    def fault(_request: dict[str, Any], number: int) -> Any:
        return Answer(status, b"{}", {"Retry-After": "0"}) if 2 <= number <= 9 else None

    with EmbeddingServer(fault=fault) as server:
        assert_vectors(TEXTS, embed_texts(embedder_of(server), TEXTS, patience))
    assert server.requests[-1]["input"] == TEXTS, "the batch was bisected"
    assert len(pauses.asked) == 8


def test_retry_after_of_a_busy_server_is_honoured(
    embedder_of: Any, patience: Patience, pauses: Pauses
) -> None:
    def fault(_request: dict[str, Any], number: int) -> Any:
        return Answer(429, b"{}", {"Retry-After": "21"}) if 2 <= number <= 5 else None

    with EmbeddingServer(fault=fault) as server:
        assert_vectors(TEXTS, embed_texts(embedder_of(server), TEXTS, patience))
    assert pauses.asked == [21.0] * 4


def test_a_longer_outage_is_an_error(embedder_of: Any) -> None:
    away = False
    with EmbeddingServer(fault=lambda _r, _n: Answer(503, b"{}") if away else None) as server:
        embedder = embedder_of(server)
        away = True
        with pytest.raises(Outage, match=r"server http.*unavailable for 0\.4 s: answered 503"):
            embed_texts(embedder, TEXTS, Patience(0.4))


def test_a_batch_that_takes_too_long_is_bisected(embedder_of: Any, patience: Patience) -> None:
    """A busy GPU embeds four texts in time, but not eight."""
    slow = threading.Event()

    def fault(request: dict[str, Any], _number: int) -> Any:
        if len(request["input"]) > 4:
            slow.wait(1.0)
        return None

    with EmbeddingServer(fault=fault) as server:
        results = embed_texts(embedder_of(server, timeout=0.3), TEXTS[:8], patience)
    assert_vectors(TEXTS[:8], results)
    assert [len(request["input"]) for request in server.requests] == [1, 8, 8, 1, 8, 1, 4, 4]


def limiting(words: int, status: int, message: str) -> Fault:
    """Refuses texts of more words."""

    def fault(request: dict[str, Any], _number: int) -> Any:
        given = max(len(text.split()) for text in request["input"])
        return json_answer(status, {"message": message.format(given)}) if given > words else None

    return fault


@pytest.mark.parametrize(
    ("status", "message", "kept"),
    [
        (413, "Input validation error: `inputs` must have less than 64 tokens. Given: {}", 55),
        (400, "maximum context length is 64 tokens. However, you requested {} tokens", 55),
        (422, "the input length exceeds the context length", 30),
        (500, "input is too large to process. increase the physical batch size", 30),
    ],
)
def test_a_text_that_is_too_long_is_cut_and_reported(
    embedder_of: Any,
    patience: Patience,
    caplog: pytest.LogCaptureFixture,
    status: int,
    message: str,
    kept: int,
) -> None:
    long = " ".join(f"word{i:03}" for i in range(150))
    texts = [*TEXTS[:3], long]
    with EmbeddingServer(fault=limiting(64, status, message)) as server:
        results = embed_texts(embedder_of(server), texts, patience)
        sent = [text for text in server.texts if long.startswith(text) and text != long]
    assert_vectors(TEXTS[:3], results[:3])
    assert [isinstance(result, EmbeddedText) and result.is_cut for result in results] == [
        False, False, False, True,
    ]  # fmt: skip
    assert isinstance(results[3], EmbeddedText)
    np.testing.assert_allclose(results[3].vector, vector_of(sent[-1], 64), rtol=1e-5)
    assert kept <= len(sent[-1].split()) <= 64
    assert f"a text of {len(long)} characters is too long" in caplog.text


def test_a_text_refused_for_another_reason_is_not_cut(embedder_of: Any, patience: Patience) -> None:
    long = "poison " * 100
    with EmbeddingServer(fault=refusing(400, with_text="poison")) as server:
        assert isinstance(embed_texts(embedder_of(server), [long], patience)[0], NotEmbedded)
    assert all(text == long for text in server.texts if "poison" in text)


def test_cutting_ends_if_no_length_is_short_enough(embedder_of: Any, patience: Patience) -> None:
    with EmbeddingServer() as server:
        embedder = embedder_of(server)
        server.fault = lambda request, number: (
            json_answer(413, {"message": "input is too long"})
            if "poison" in request["input"][0]
            else None
        )
        assert isinstance(embed_texts(embedder, ["poison " * 100], patience)[0], NotEmbedded)
    assert len(server.requests) < 30
