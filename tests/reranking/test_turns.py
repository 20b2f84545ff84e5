"""Calls take turns at the model: the one that has used the least time goes first."""

from __future__ import annotations

import contextlib
import math
import threading
import time

import pytest

from es_hybrid.reranking.turns import Turns
from tests.pauses import PATIENCE


def test_a_short_call_overtakes_a_long_one(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("es_hybrid.reranking.turns.time.monotonic", lambda: clock[0])
    turns, order, waits = Turns(), [], threading.Event()

    def short() -> None:
        with turns.call(math.inf) as turn:
            waits.set()
            for _ in range(3):
                turn.take()
                order.append("short")

    with turns.call(math.inf) as turn:
        assert turn.take()
        order.append("long")
        thread = threading.Thread(target=short)
        thread.start()
        assert waits.wait(PATIENCE)
        while not turns._waiting:
            time.sleep(0.001)
        clock[0] += 5
        assert turn.take()
        order.append("long")
    thread.join(PATIENCE)
    assert order == ["long", "short", "short", "short", "long"]


def test_no_more_calls_work_at_once_than_allowed() -> None:
    turns, working, most = Turns(at_once=2), [], []
    lock = threading.Lock()

    def call() -> None:
        with turns.call(math.inf) as turn:
            for _ in range(5):
                assert turn.take()
                with lock:
                    working.append(turn)
                    most.append(len(working))
                time.sleep(0.001)
                with lock:
                    working.remove(turn)

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert len(most) == 40
    assert max(most) <= 2


def test_a_call_whose_deadline_passes_gives_up_and_leaves_the_queue() -> None:
    turns = Turns()
    with turns.call(math.inf) as held:
        assert held.take()
        with turns.call(time.monotonic() + 0.05) as late:
            assert not late.take()
        with turns.call(time.monotonic() - 1) as past:
            assert not past.take()
        assert held.take()
    with turns.call(math.inf) as turn:
        assert turn.take(), "the place was not given back"


def test_a_call_that_fails_gives_its_turn_back() -> None:
    turns = Turns()
    with contextlib.suppress(ValueError), turns.call(math.inf) as turn:
        assert turn.take()
        raise ValueError
    with turns.call(math.inf) as turn:
        assert turn.take()
