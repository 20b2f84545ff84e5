"""Vectors of queries that are remembered, from an embedding server over a socket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from es_hybrid.drive.queries import QueryEmbedder
from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import EmbeddingError, PassportMismatch
from es_hybrid.index.passport import Passport, issue_passport
from es_hybrid.retrieval.needs import EmbedQuery
from es_hybrid.settings import EmbeddingSettings, Settings
from tests.fakes.embedding import EmbeddingServer, another_model, vector_of
from tests.fakes.http import Answer
from tests.pauses import wait_until


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with EmbeddingServer(dims=64) as server:
        yield server


@pytest.fixture
def passport(server: EmbeddingServer) -> Passport:
    return issue_passport(Settings(), OpenAIEmbedder(_settings(server)), languages=[])


def _settings(server: EmbeddingServer, **options: Any) -> EmbeddingSettings:
    return EmbeddingSettings(base_url=server.url, max_retries=0, query_instruction="", **options)


class _Counted:
    """An embedder of queries whose counts are kept."""

    def __init__(self, server: EmbeddingServer, *, wait: bool = True, **options: Any) -> None:
        self.counts: Counter[str] = Counter()
        settings = _settings(server, **options)
        self.embed = QueryEmbedder(
            OpenAIEmbedder(settings),
            settings,
            wait_for_canaries=wait,
            count=lambda source: self.counts.update([source]),
        )

    def ask(self, need: EmbedQuery) -> list[float]:
        known = self.embed.known(need)
        return self.embed(need, None) if known is None else known


def test_a_query_is_embedded_once(server: EmbeddingServer, passport: Passport) -> None:
    counted, need = _Counted(server), EmbedQuery("red shirt", "i", (passport,))
    answers = [counted.ask(need) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] == pytest.approx(vector_of("red shirt", 64))
    assert server.texts.count("red shirt") == 1
    assert counted.counts == {"embedded": 1, "remembered": 2}


def test_only_so_many_are_kept(server: EmbeddingServer, passport: Passport) -> None:
    counted = _Counted(server, query_cache=2)
    for text in ("a", "b", "c", "c", "b", "a"):
        counted.ask(EmbedQuery(text, "i", (passport,)))
    assert Counter(server.texts) >= Counter({"a": 2, "b": 1, "c": 1})
    assert counted.counts == {"embedded": 4, "remembered": 2}


def test_none_are_kept_if_none_may_be(server: EmbeddingServer, passport: Passport) -> None:
    counted = _Counted(server, query_cache=0)
    for _ in range(2):
        counted.ask(EmbedQuery("a", "i", (passport,)))
    assert counted.counts == {"embedded": 2}


def test_an_old_one_is_embedded_again(server: EmbeddingServer, passport: Passport) -> None:
    counted, need = _Counted(server, query_cache_seconds=0.05), EmbedQuery("a", "i", (passport,))
    counted.ask(need)
    wait_until(lambda: counted.embed.known(need) is None)
    counted.ask(need)
    assert server.texts.count("a") == 2


def test_an_index_that_other_vectors_were_loaded_into_is_checked_anew(
    server: EmbeddingServer, passport: Passport
) -> None:
    counted = _Counted(server)
    counted.ask(EmbedQuery("a", "i", (passport,)))
    settings = _settings(server, revision="2")
    loaded = issue_passport(Settings(), OpenAIEmbedder(settings), languages=[])
    with pytest.raises(PassportMismatch, match="revision"):
        counted.ask(EmbedQuery("a", "i", (loaded,)))


def test_a_vector_that_fails_the_canaries_is_never_remembered(
    server: EmbeddingServer, passport: Passport
) -> None:
    server.fault = another_model(64)
    counted, need = _Counted(server, wait=False), EmbedQuery("a", "i", (passport,))
    counted.ask(need)  # an event loop waits for no canaries

    def is_refused() -> bool:
        try:
            counted.ask(need)
        except PassportMismatch:
            return True
        return False

    wait_until(is_refused)
    assert counted.embed.known(need) is None
    assert "remembered" not in counted.counts


def test_what_is_known_is_found_while_the_server_is_down(
    server: EmbeddingServer, passport: Passport
) -> None:
    counted = _Counted(server)
    known, unknown = (EmbedQuery(text, "i", (passport,)) for text in ("a", "b"))
    vector = counted.ask(known)
    server.fault = lambda request, number: Answer(500, b"gone")
    assert counted.ask(known) == vector
    with pytest.raises(EmbeddingError):
        counted.ask(unknown)
