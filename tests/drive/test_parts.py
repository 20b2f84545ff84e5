"""The circuit breaker, with a fake clock and probes whose outcome the test decides."""

from __future__ import annotations

from concurrent.futures import Future

import pytest

from es_hybrid.drive.parts import HARMLESS, CircuitBreaker, Parts
from es_hybrid.errors import EmbeddingAway, EmbeddingError, RerankError, TextsRefused
from es_hybrid.retrieval.needs import EmbedQuery, ScoreDocuments
from es_hybrid.settings import Settings
from tests.fakes.models import FakeReranker, QueriesEmbeddedBy
from tests.pauses import wait_until


class _Watched:
    """A breaker that probes after three failures, pauses for 10 seconds and waits for 4."""

    def __init__(self) -> None:
        self.now = 100.0
        self.probes: list[Future[None]] = []
        self.breaker = CircuitBreaker(
            self._probe, failures=3, pause=10, patience=4, clock=lambda: self.now
        )

    def _probe(self) -> Future[None]:
        self.probes.append(Future())
        return self.probes[-1]

    def fail(self, times: int = 3) -> None:
        for _ in range(times):
            self.breaker.failed()

    def end_probe(self, error: Exception | None = None) -> None:
        if error is None:
            self.probes[-1].set_result(None)
        else:
            self.probes[-1].set_exception(error)

    def pause(self) -> None:
        self.fail()
        self.end_probe(EmbeddingError("is dead"))
        assert not self.breaker.admits()


@pytest.fixture
def watched() -> _Watched:
    return _Watched()


def test_failures_in_a_row_are_followed_by_one_probe(watched: _Watched) -> None:
    for _ in range(5):
        watched.fail(2)
        watched.breaker.succeeded()
    assert watched.probes == []
    watched.fail(7)
    assert len(watched.probes) == 1


def test_a_part_that_works_with_harmless_input_is_never_paused(watched: _Watched) -> None:
    for round_ in range(1, 5):
        watched.fail()
        assert watched.breaker.admits()
        watched.end_probe()
        assert watched.breaker.admits()
        watched.fail(2)
        assert len(watched.probes) == round_
        watched.breaker.succeeded()


def test_a_part_that_fails_with_harmless_input_is_paused(watched: _Watched) -> None:
    watched.pause()
    watched.now += 9.9
    assert not watched.breaker.admits()
    assert len(watched.probes) == 1


def test_a_probe_without_an_answer_has_failed(watched: _Watched) -> None:
    watched.fail()
    watched.now += 3.9
    assert watched.breaker.admits()
    watched.now += 0.2
    assert not watched.breaker.admits()


@pytest.mark.parametrize("works", [True, False])
def test_a_pause_ends_with_a_probe_that_no_search_is_spent_on(
    watched: _Watched, works: bool
) -> None:
    watched.pause()
    watched.now += 11
    assert [watched.breaker.admits() for _ in range(3)] == [False] * 3
    assert len(watched.probes) == 2
    watched.end_probe(None if works else EmbeddingError("is dead"))
    assert watched.breaker.admits() is works
    watched.now += 9
    assert watched.breaker.admits() is works
    assert len(watched.probes) == 2


def test_a_late_answer_ends_the_pause(watched: _Watched) -> None:
    watched.pause()
    watched.breaker.succeeded()
    assert watched.breaker.admits()


_SETTINGS = Settings.model_validate({"search": {"breaker_failures": 2, "breaker_pause": 1000}})
_BAD = "a text that it cannot take"


@pytest.mark.parametrize("error", [TextsRefused, EmbeddingAway, EmbeddingError])
def test_one_caller_s_texts_do_not_pause_the_embedder_for_the_others(
    error: type[EmbeddingError],
) -> None:
    probed = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        if need.text == _BAD:
            raise error("answered 400: too long")
        probed.append(need.text)
        return [1.0]

    parts = Parts(QueriesEmbeddedBy(embed), None, _SETTINGS)
    for number in range(1, 4):
        for _ in range(2):
            guard, work, _ = parts.task(EmbedQuery(_BAD), 5.0)
            with pytest.raises(error, match="too long"):
                guard.run(work, 5.0)
        wait_until(lambda number=number: probed == [HARMLESS] * number)  # type: ignore[misc]
    guard, work, _ = parts.task(EmbedQuery("kettle"), 5.0)
    assert guard.run(work, 5.0) == [1.0]


def test_one_caller_s_texts_do_not_pause_the_reranker_for_the_others() -> None:
    def score(text: str) -> float:
        if text == _BAD:
            raise RerankError("answered 413: too long")
        return 0.5

    # Harmless texts are scored whatever the language.
    reranker = FakeReranker(score)
    reranker.languages = frozenset({"zh"})
    parts = Parts(QueriesEmbeddedBy(lambda need, seconds: [1.0]), reranker, _SETTINGS)
    for number in range(1, 4):
        for _ in range(2):
            guard, work, _ = parts.task(ScoreDocuments("1", [_BAD], langs=["zh"]), 5.0)
            with pytest.raises(RerankError, match="too long"):
                guard.run(work, 5.0)
        wait_until(
            lambda number=number: [call.query for call in reranker.calls].count(HARMLESS) == number  # type: ignore[misc]
        )
    guard, work, _ = parts.task(ScoreDocuments("1", ["2"], langs=["zh"]), 5.0)
    assert guard.run(work, 5.0).values == [0.5]


def test_a_search_whose_time_is_spent_does_not_call_a_part() -> None:
    asked = []

    def embed(need: EmbedQuery, seconds: float | None) -> list[float]:
        asked.append(need.text)
        return [1.0]

    parts = Parts(QueriesEmbeddedBy(embed), None, _SETTINGS)
    for _ in range(5):
        guard, work, _ = parts.task(EmbedQuery("kettle"), 0.0)
        with pytest.raises(EmbeddingError, match="no time left"):
            guard.run(work, 0.0)
    assert asked == []
