from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from es_hybrid.errors import Outage
from es_hybrid.waiting import Patience, Waited, WaitLog, Waits, retry_after


class Clock(threading.Event):
    """A clock that only waiting advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now = 1000.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now)

    def wait(self, timeout: float | None = None) -> bool:
        self.now += timeout or 0.0
        return self.is_set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


def test_an_outage_lasts_as_long_as_configured_and_ends_with_a_last_attempt(clock: Clock) -> None:
    waits = Waits(Patience(30.0, clock))
    while clock.now < 1030.0:
        waits.wait("gone", place="x")
    with pytest.raises(Outage, match="x: busy or unavailable for 30 s: gone; start it") as caught:
        waits.wait("gone", place="x")
    assert clock.now == pytest.approx(1030.0)
    assert caught.value.exit_code == 75


def test_the_waits_of_each_outage_begin_anew(clock: Clock) -> None:
    patience = Patience(10.0, clock)
    for _ in range(50):
        Waits(patience).wait("busy", place="x")
    assert 1012.5 <= clock.now <= 1025.0


def test_a_server_that_asks_for_a_longer_time_than_there_is_is_an_outage_now(clock: Clock) -> None:
    with pytest.raises(Outage, match="busy or unavailable and asks to wait 11 s: full"):
        Waits(Patience(10.0, clock)).wait("full", place="x", at_least=11.0)
    assert clock.now == 1000.0
    Waits(Patience(10.0, clock)).wait("busy", place="x", at_least=9.0)
    assert clock.now == 1009.0


def test_no_patience_is_no_wait(clock: Clock) -> None:
    with pytest.raises(Outage):
        Waits(Patience(0.0, clock)).wait("busy", place="x")
    assert clock.now == 1000.0


def test_a_stop_is_an_outage(clock: Clock) -> None:
    clock.set()
    with pytest.raises(Outage, match="when this was stopped: gone"):
        Waits(Patience(30.0, clock)).wait("gone", place="x")


def test_waits_for_one_server_are_one_outage_until_they_are_taken() -> None:
    log = WaitLog()
    for since, until in ((10.0, 12.0), (9.0, 13.0), (13.5, 15.0)):
        log.add(Waited("x", f"until {until}", since, until))
    log.add(Waited("y", "busy", 1.0, 2.0))
    assert log.take() == [Waited("x", "until 15.0", 9.0, 15.0), Waited("y", "busy", 1.0, 2.0)]
    assert log.take() == []


def test_a_wait_is_logged_with_its_outage(clock: Clock) -> None:
    patience = Patience(30.0, clock)
    waits = Waits(patience)
    waits.wait("gone", place="x")
    waits.wait("busy", place="x")
    (waited,) = patience.log.take()
    assert (waited.place, waited.problem) == ("x", "busy")
    assert waited.until - waited.since == pytest.approx(clock.now - 1000.0)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, 0.0),
        ("", 0.0),
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("nan", 0.0),
        ("inf", 0.0),
        ("soon", 0.0),
    ],
)
def test_retry_after_in_seconds(header: str | None, seconds: float) -> None:
    assert retry_after(header) == seconds


def test_retry_after_as_a_date() -> None:
    then = datetime.now(UTC) + timedelta(seconds=90)
    assert 85 < retry_after(format_datetime(then, usegmt=True)) <= 90
    assert retry_after(format_datetime(then - timedelta(hours=1), usegmt=True)) == 0.0
