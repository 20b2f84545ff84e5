from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from es_hybrid.errors import EmbeddingError, SourceError
from ingest.writing.flow import batches, concurrently
from tests.pauses import PATIENCE


def test_batches_by_count() -> None:
    assert list(batches(range(7), count=3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batches([], count=3)) == []


def test_what_came_before_an_error_is_handed_on_before_it() -> None:
    def rows() -> Iterator[int]:
        yield from (1, 2, 3)
        raise SourceError("cut")

    handed = batches(rows(), count=2)
    assert [next(handed), next(handed)] == [[1, 2], [3]]
    with pytest.raises(SourceError):
        next(handed)


def test_every_result_once_and_a_bounded_window() -> None:
    taken = 0
    running = peak = 0
    lock, together = threading.Lock(), threading.Barrier(3)

    def numbers() -> Iterator[int]:
        nonlocal taken
        while taken < 100:
            taken += 1
            yield taken

    def work(number: int) -> int:
        nonlocal running, peak
        with lock:
            running += 1
            peak = max(peak, running)
        if number <= 3:
            together.wait(PATIENCE)
        with lock:
            running -= 1
        return number * number

    squares = concurrently(work, numbers(), threads=3, name="test")
    first = next(squares)
    assert taken <= 7
    assert sorted([first, *squares]) == [number * number for number in range(1, 101)]
    assert peak == 3


def test_an_error_in_a_thread_stops_the_intake_and_loses_nothing_under_way() -> None:
    taken = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    def work(number: int) -> int:
        if number == 4:
            raise EmbeddingError("down")
        return number

    got = []
    with pytest.raises(EmbeddingError, match="down"):  # noqa: PT012 (the loop is the point)
        for result in concurrently(work, numbers(), threads=2, name="test"):
            got.append(result)
    assert {0, 1, 2, 3} <= set(got)
    assert sorted({*got, 4}) == taken
    assert len(taken) <= 4 + 2 * 2 + 1


def test_a_mistake_in_the_code_is_not_held_back() -> None:
    def work(number: int) -> float:
        return 1 / number

    with pytest.raises(ZeroDivisionError):
        list(concurrently(work, [1, 0, 1], threads=2, name="test"))


def test_a_slow_item_does_not_hold_up_the_others() -> None:
    release = threading.Event()

    def work(number: int) -> int:
        if number == 0:
            release.wait(10)
        return number

    done = concurrently(work, iter(range(20)), threads=2, name="test")
    others = [next(done) for _ in range(19)]
    release.set()
    assert sorted(others) == list(range(1, 20))
    assert list(done) == [0]
