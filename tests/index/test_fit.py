"""The embedder of a search is compared with the index's passport once."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import PassportMismatch
from es_hybrid.index.fit import Fit
from es_hybrid.index.passport import CANARY_TEXTS, Passport, issue_passport
from es_hybrid.settings import EmbeddingSettings, Settings
from tests.fakes.embedding import EmbeddingServer, another_model
from tests.fakes.http import Answer
from tests.pauses import PATIENCE, wait_until


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=64) as server:
        yield server


@pytest.fixture
def embedder(server: EmbeddingServer) -> OpenAIEmbedder:
    return OpenAIEmbedder(EmbeddingSettings(base_url=server.url, max_retries=0))


@pytest.fixture
def passport(embedder: OpenAIEmbedder) -> Passport:
    return issue_passport(Settings(), embedder, languages=[])


def canary_requests(server: EmbeddingServer) -> int:
    return sum(request["input"] == list(CANARY_TEXTS) for request in server.requests)


def test_the_canaries_cost_one_request_of_the_first_search(
    server: EmbeddingServer, embedder: OpenAIEmbedder, passport: Passport
) -> None:
    fit, before = Fit(embedder), canary_requests(server)
    for _ in range(3):
        fit.check(passport, index="i")
    assert canary_requests(server) == before + 1


def test_another_model_with_the_same_name_fails_every_search(
    server: EmbeddingServer, embedder: OpenAIEmbedder, passport: Passport
) -> None:
    server.fault = another_model(64)
    fit, before = Fit(embedder), canary_requests(server)
    for _ in range(2):
        with pytest.raises(PassportMismatch, match="vectors have changed"):
            fit.check(passport, index="i")
    assert canary_requests(server) == before + 1


def test_a_failed_canary_request_fails_no_search_and_is_repeated(
    server: EmbeddingServer,
    embedder: OpenAIEmbedder,
    passport: Passport,
    caplog: pytest.LogCaptureFixture,
) -> None:
    fit, before = Fit(embedder), canary_requests(server)
    server.fault = lambda request, number: Answer(500, b"gone")
    with caplog.at_level(logging.WARNING):
        fit.check(passport, index="i")
    assert "the canaries could not be checked" in caplog.text
    server.fault = None
    fit.check(passport, index="i")
    fit.check(passport, index="i")
    assert canary_requests(server) == before + 2


def test_an_event_loop_is_not_blocked_and_gets_the_verdict_later(
    server: EmbeddingServer, embedder: OpenAIEmbedder, passport: Passport
) -> None:
    searched = threading.Event()

    def slow(request: dict[str, Any], number: int) -> Any:
        assert searched.wait(PATIENCE)
        return another_model(64)(request, number)

    server.fault = slow
    fit = Fit(embedder)
    for _ in range(3):
        fit.watch(passport, index="i")  # returns while the canaries are being embedded
    searched.set()
    wait_until(lambda: is_refused(fit, passport))


def is_refused(fit: Fit, passport: Passport) -> bool:
    try:
        fit.watch(passport, index="i")
    except PassportMismatch:
        return True
    return False
