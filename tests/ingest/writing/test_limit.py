from __future__ import annotations

import contextlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from ingest.writing import AdaptiveLimit
from ingest.writing.limit import ControlLaw
from tests.pauses import PATIENCE


def answers(law: ControlLaw, count: int, seconds: float, *, full: bool = True) -> None:
    """Answers with the jitter of a real cluster."""
    dice = random.Random(3)
    for _ in range(count):
        law.observe(seconds * dice.uniform(0.8, 1.2), full=full, busy=False)


def test_a_quiet_cluster_is_given_more_up_to_the_bound() -> None:
    law = ControlLaw(most=8)
    assert law.limit == 2
    answers(law, 5, 0.1)
    assert law.limit == 3
    answers(law, 200, 0.1)
    assert law.limit == 8


def test_a_limit_that_is_not_reached_does_not_grow() -> None:
    law = ControlLaw(most=8)
    answers(law, 200, 0.1, full=False)
    assert law.limit == 2


def test_every_refusal_for_load_takes_a_tenth_and_one_request_stays() -> None:
    law = ControlLaw(most=8)
    answers(law, 200, 0.1)
    law.observe(0.001, full=True, busy=True)
    assert law.limit == pytest.approx(7.2)
    for _ in range(100):
        law.observe(0.001, full=True, busy=True)
    assert law.limit == 1
    answers(law, 5, 0.1)  # as fast as before the refusals, which were faster
    assert law.limit == 2


def test_it_gives_way_when_the_cluster_has_other_work_and_comes_back() -> None:
    law = ControlLaw(most=8)
    answers(law, 200, 0.1)
    answers(law, 8, 0.4)
    assert law.limit == pytest.approx(7.2)
    answers(law, 200, 0.1)
    assert law.limit == 8


def test_one_slow_answer_is_no_news() -> None:
    law = ControlLaw(most=2)
    answers(law, 50, 0.1)
    law.observe(0.15, full=True, busy=False)
    answers(law, 4, 0.1)
    assert law.limit == 2


def test_no_more_threads_than_the_limit_are_let_in() -> None:
    limit, lock = AdaptiveLimit(4), threading.Lock()
    inside: list[int] = []
    under_way = 0

    def work(number: int) -> None:
        nonlocal under_way
        with limit.slot(unless=_never) as slot:
            assert slot is not None
            with lock:
                under_way += 1
                inside.append(under_way)
                assert under_way <= 4
            slot.busy = 60 <= number < 100
            with lock:
                under_way -= 1

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(work, range(100)))
    assert len(inside) == 100
    assert limit.current == 1


def test_an_outage_leaves_the_limit_as_it_is_and_gives_the_slot_back() -> None:
    limit = AdaptiveLimit(2)
    for _ in range(20):
        with contextlib.suppress(ConnectionError), limit.slot(unless=_never) as slot:
            assert slot is not None
            slot.answered = False
            slot.busy = True
            raise ConnectionError
    assert limit.current == 2
    with limit.slot(unless=_never), limit.slot(unless=_never):
        pass


def test_who_needs_no_slot_any_more_gets_none() -> None:
    limit, done = AdaptiveLimit(1), threading.Event()
    got: list[object] = []

    def wait() -> None:
        with limit.slot(unless=done.is_set) as slot:
            got.append(slot)

    with limit.slot(unless=_never):
        waiting = threading.Thread(target=wait)
        waiting.start()
        done.set()
    waiting.join(PATIENCE)
    assert got == [None]
    with limit.slot(unless=_never) as slot:  # nothing was taken away
        assert slot is not None


def _never() -> bool:
    return False
