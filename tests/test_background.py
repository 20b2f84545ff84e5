"""Lines written in the background."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

import pytest

from es_hybrid.background import BackgroundWriter, Sink


class _Kept:
    """A sink that keeps batches, and waits until it may."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.begun, self.may_end = threading.Event(), threading.Event()

    def __call__(self, lines: Sequence[bytes]) -> int:
        self.begun.set()
        assert self.may_end.wait(30)
        self.batches.append(list(lines))
        return len(lines)


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


def _writer(
    sink: Sink, counted: Counter[str], *, room: int, gather: float = 0.0
) -> BackgroundWriter:
    return BackgroundWriter(
        sink,
        lambda outcome, number: counted.update({outcome: number}),
        name="test",
        room=room,
        gather=gather,
    )


def test_lines_that_have_no_room_are_dropped_while_the_sink_is_slow(counted: Counter[str]) -> None:
    sink = _Kept()
    writer = _writer(sink, counted, room=4)
    assert writer.add(b"1")
    assert sink.begun.wait(30)
    assert [writer.add(line) for line in (b"22", b"33", b"44", b"5")] == [True, True, False, False]
    assert counted == {"dropped": 2}
    sink.may_end.set()
    writer.close()
    assert sink.batches == [[b"1"], [b"22", b"33"]]
    assert counted == {"dropped": 2, "written": 3}


def test_lines_are_gathered_and_closing_does_not_wait_for_more(counted: Counter[str]) -> None:
    sink = _Kept()
    sink.may_end.set()
    writer = _writer(sink, counted, room=100, gather=3600.0)
    assert all(writer.add(line) for line in (b"1", b"2", b"3"))
    writer.close()
    assert sink.batches == [[b"1", b"2", b"3"]]
    assert not writer.add(b"4")
    assert counted == {"written": 3, "dropped": 1}


def test_a_sink_that_fails_or_refuses_some_drops_lines(counted: Counter[str]) -> None:
    def sink(lines: Sequence[bytes]) -> int:
        if b"fails" in lines:
            raise ValueError("a bug")
        return len(lines) - 1

    first, second = (_writer(sink, counted, room=100, gather=3600.0) for _ in range(2))
    first.add(b"fails")
    first.close()
    assert counted == {"dropped": 1}
    second.add(b"1")
    second.add(b"2")
    second.close()
    assert counted == {"dropped": 2, "written": 1}


def test_no_thread_runs_before_the_first_line(counted: Counter[str]) -> None:
    before = threading.active_count()
    _writer(_Kept(), counted, room=1).close()
    assert threading.active_count() == before
