"""A reranker that is used only while it passes its canaries, with a fake clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager

import numpy as np
import pytest

from es_hybrid.errors import CanariesFailed, RerankError
from es_hybrid.language import LANGUAGES
from es_hybrid.reranking.canaries import CANARIES
from es_hybrid.reranking.checked import CheckedReranker
from es_hybrid.reranking.remote import RemoteReranker
from tests.fakes.reranking import Model, RerankServer, by_chance, by_overlap, serving_model
from tests.pauses import PATIENCE, wait_until

QUERY, DOCUMENTS = "kettle", ["kettle, 1.7 l", "scale"]


def _inverted(query: str, documents: Sequence[str]) -> list[float]:
    return [1 - score for score in by_overlap(query, documents)]


class _Served:
    """A checked reranker behind a server whose model a test exchanges.

    Attributes:
        held: While set, the canaries get no answer.
    """

    def __init__(self, model: Model) -> None:
        self.now = 1000.0
        self.model = model
        self.held = threading.Event()
        self.server = RerankServer(serving_model(self._score))
        self._queries = {canary.query for lang in CANARIES.values() for canary in lang}

    @contextmanager
    def open(self, *, wait: bool) -> Iterator[CheckedReranker]:
        with self.server:
            remote = RemoteReranker(self.server.url, timeout=PATIENCE)
            checked = CheckedReranker(remote, place="srv", wait=wait, clock=lambda: self.now)
            with closing(checked):
                yield checked
            self.held.clear()

    @property
    def canaries(self) -> int:
        """Requests for canaries so far."""
        return sum(each["query"] in self._queries for each in list(self.server.requests))

    def _score(self, query: str, documents: Sequence[str]) -> Sequence[float]:
        if query in self._queries:
            wait_until(lambda: not self.held.is_set())
        return self.model(query, documents)


def _fails(reranker: CheckedReranker) -> bool:
    try:
        reranker.score(QUERY, DOCUMENTS)
    except CanariesFailed:
        return True
    return False


def test_the_first_score_waits_for_the_canaries_and_later_ones_do_not() -> None:
    served = _Served(by_overlap)
    with served.open(wait=True) as reranker:
        assert served.server.requests == []
        scores = reranker.score(QUERY, DOCUMENTS)
        assert scores[0] > scores[1]
        assert served.canaries == 36
        served.now += 3599
        reranker.score(QUERY, DOCUMENTS)
        assert served.canaries == 36
        served.held.set()
        served.now += 2
        reranker.score(QUERY, DOCUMENTS)  # an hour has passed, and the canaries get no answer
        served.held.clear()
        wait_until(lambda: served.canaries == 72)


def test_a_score_does_not_wait_beyond_its_deadline() -> None:
    served = _Served(_inverted)
    served.held.set()
    with served.open(wait=True) as reranker:
        scores = reranker.score(QUERY, DOCUMENTS, deadline=time.monotonic() + 0.5)
        assert not np.isnan(scores).any()
        served.held.clear()
        wait_until(lambda: _fails(reranker))


def test_calls_are_answered_until_the_canaries_have_failed() -> None:
    served = _Served(_inverted)
    served.held.set()
    with served.open(wait=False) as reranker:
        wait_until(lambda: served.canaries > 0)  # scored at once
        assert reranker.score(QUERY, DOCUMENTS).shape == (len(DOCUMENTS),)
        served.held.clear()
        wait_until(lambda: _fails(reranker))


def test_a_reranker_that_fails_is_not_asked_until_it_passes(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = _Served(_inverted)
    with served.open(wait=True) as reranker:
        for _ in range(3):
            with pytest.raises(CanariesFailed, match="the label is inverted"):
                reranker.score(QUERY, DOCUMENTS)
        assert [each["query"] for each in served.server.requests].count(QUERY) == 1
        served.now += 61
        assert _fails(reranker)
        wait_until(_idle)
        assert served.canaries == 72
        served.now += 61  # the pause doubles
        assert _fails(reranker)
        served.model = by_overlap
        served.now += 60
        wait_until(lambda: not _fails(reranker))
        assert served.canaries == 108
    said = [record.getMessage() for record in caplog.records if "canaries" in record.getMessage()]
    assert len(said) == 2
    assert said[0].startswith("srv: fails its canaries: the product asked for is first in 0 of 36")
    assert "serve the score of `yes`" in said[0]
    assert said[1] == "srv: passes its canaries again and is used"


def _idle() -> bool:
    """Whether no thread scores canaries."""
    return not any(each.name == "canaries" for each in threading.enumerate())


def test_a_reranker_that_begins_to_fail_is_no_longer_used() -> None:
    served = _Served(by_overlap)
    with served.open(wait=True) as reranker:
        assert not _fails(reranker)
        served.model = by_chance
        served.now += 3601
        wait_until(lambda: _fails(reranker))


def test_languages_in_which_it_fails_are_not_reranked(caplog: pytest.LogCaptureFixture) -> None:
    def model(query: str, documents: Sequence[str]) -> list[float]:
        return (by_overlap if max(query) < "\u3000" else by_chance)(query, documents)

    served = _Served(model)
    with served.open(wait=True) as reranker:
        assert reranker.languages == frozenset()
        reranker.score(QUERY, DOCUMENTS)
        assert reranker.languages == LANGUAGES - {"zh", "ja"}
    assert "srv: fails its canaries in zh, ja and is not used" in caplog.text


def test_a_server_that_is_down_is_not_blamed_for_its_model(
    caplog: pytest.LogCaptureFixture,
) -> None:
    served = _Served(by_overlap)

    def down(query: str, documents: Sequence[str]) -> list[float]:
        raise ConnectionResetError

    with served.open(wait=True) as reranker, caplog.at_level(logging.WARNING):
        served.model = down
        with pytest.raises(RerankError) as caught:
            reranker.score(QUERY, DOCUMENTS)
        assert not isinstance(caught.value, CanariesFailed)
        assert served.canaries == 0
        served.model = lambda query, documents: (
            by_overlap(query, documents) if query == QUERY else down(query, documents)
        )
        reranker.score(QUERY, DOCUMENTS)
        assert "srv: the canaries could not be scored" in caplog.text
        served.model = by_overlap
        served.now += 61
        reranker.score(QUERY, DOCUMENTS)
        wait_until(lambda: served.canaries >= 36)


def test_it_has_what_the_reranker_has() -> None:
    served = _Served(by_overlap)
    with served.open(wait=True) as reranker:
        assert reranker.weight == 1.0
    with pytest.raises(RuntimeError, match="closed"):
        reranker.score(QUERY, DOCUMENTS)


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
def test_closing_while_canaries_are_scored() -> None:
    served = _Served(by_overlap)
    served.held.set()
    with served.open(wait=False):
        wait_until(lambda: served.canaries > 0)
    wait_until(_idle)
