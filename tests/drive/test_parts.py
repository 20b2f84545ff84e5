"""The circuit breaker, with a fake clock."""

from __future__ import annotations

from es_hybrid.drive.parts import CircuitBreaker


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _opened(clock: _Clock) -> CircuitBreaker:
    breaker = CircuitBreaker(failures=3, pause=10, clock=clock)
    for _ in range(3):
        assert breaker.admits()
        breaker.failed()
    return breaker


def test_it_opens_after_failures_in_a_row_only() -> None:
    breaker = CircuitBreaker(failures=2, pause=10, clock=_Clock())
    for _ in range(5):
        breaker.failed()
        breaker.succeeded()
    assert breaker.admits()
    breaker.failed()
    assert breaker.admits()
    breaker.failed()
    assert not breaker.admits()


def test_after_the_pause_one_caller_may_probe() -> None:
    clock = _Clock()
    breaker = _opened(clock)
    clock.now += 9.9
    assert not breaker.admits()
    clock.now += 0.2
    assert breaker.admits()
    assert not breaker.admits()


def test_a_probe_that_succeeds_closes_it() -> None:
    clock = _Clock()
    breaker = _opened(clock)
    clock.now += 11
    assert breaker.admits()
    breaker.succeeded()
    assert [breaker.admits() for _ in range(3)] == [True] * 3


def test_a_probe_that_fails_begins_the_pause_anew() -> None:
    clock = _Clock()
    breaker = _opened(clock)
    clock.now += 11
    assert breaker.admits()
    clock.now += 5
    breaker.failed()
    clock.now += 9
    assert not breaker.admits()
    clock.now += 2
    assert breaker.admits()


def test_a_probe_that_never_reports_back_is_followed_by_another() -> None:
    clock = _Clock()
    breaker = _opened(clock)
    clock.now += 11
    assert breaker.admits()
    clock.now += 10
    assert breaker.admits()
