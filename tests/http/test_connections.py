"""Who has to go when the connections are too many or a caller keeps the server waiting."""

from __future__ import annotations

import json
import logging
import subprocess
import sys

import pytest

from es_hybrid.http.connections import Connections, Due


class Caller:
    """A connection that records how it ended."""

    def __init__(self, connections: Connections) -> None:
        self.due: Due | None = None
        self.end = ""
        self.held_up = False
        self._connections = connections
        connections.connections.add(self)  # type: ignore[arg-type]
        connections.admit(self)

    def waited_for(self, due: Due | None) -> Caller:
        self._connections.wait_for(self, due)
        return self

    def is_held_up(self) -> bool:
        return self.held_up

    def overdue(self) -> None:
        self._leave("overdue")

    def drop(self) -> None:
        self._leave("dropped")

    def turn_away(self) -> None:
        self._leave("turned away")

    def _leave(self, why: str) -> None:
        self.end = why
        self._connections.connections.discard(self)
        self._connections.wait_for(self, None)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connections(clock: Clock) -> Connections:
    return Connections(3, clock=clock)


def test_whoever_kept_the_server_waiting_longest_makes_room(
    connections: Connections, clock: Clock
) -> None:
    callers = []
    for due in (Due.HEAD, Due.REQUEST, Due.BODY):
        clock.now += 1
        callers.append(Caller(connections).waited_for(due))
    callers[0].waited_for(None).waited_for(Due.REQUEST)  # it has had its answer
    clock.now += 1
    new = Caller(connections).waited_for(Due.HEAD)
    assert [caller.end for caller in (*callers, new)] == ["", "dropped", "", ""]
    Caller(connections)
    assert [caller.end for caller in (*callers, new)] == ["", "dropped", "dropped", ""]


def test_a_caller_whose_request_is_answered_stays(connections: Connections) -> None:
    busy = [Caller(connections).waited_for(None) for _ in range(3)]
    new = Caller(connections)
    assert [caller.end for caller in (*busy, new)] == ["", "", "", "turned away"]


def test_a_head_has_a_time_limit_as_a_whole_and_a_body_from_byte_to_byte(
    connections: Connections, clock: Clock
) -> None:
    head = Caller(connections).waited_for(Due.HEAD)
    body = Caller(connections).waited_for(Due.BODY)
    idle = Caller(connections).waited_for(Due.REQUEST)
    for _ in range(10):
        clock.now += 20
        head.waited_for(Due.HEAD)
        body.waited_for(Due.BODY)
        connections.tick()
    assert [head.end, body.end, idle.end] == ["overdue", "", ""]
    clock.now += 61
    connections.tick()
    assert [body.end, idle.end] == ["overdue", ""]
    clock.now += 3600
    connections.tick()
    assert idle.end == "overdue"


def test_a_caller_that_the_server_holds_up_is_not_late(
    connections: Connections, clock: Clock
) -> None:
    body = Caller(connections).waited_for(Due.BODY)
    body.held_up = True
    clock.now += 61
    connections.tick()
    assert body.end == ""
    body.held_up = False
    clock.now += 59
    connections.tick()
    assert body.end == ""
    clock.now += 2
    connections.tick()
    assert body.end == "overdue"


def test_many_refusals_are_one_line_in_the_log(
    connections: Connections, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            connections.refused("too long")
            clock.now += 0.015
            connections.tick()
    assert [record.getMessage() for record in caplog.records] == [
        "refused: too long (1)",
        "refused: too long (667)",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit on open files")
@pytest.mark.parametrize(
    ("soft", "hard", "limit", "raised"),
    [(64, 256, 96, 256), (256, 1024, 384, 1024), (1024, 20_000, 4096, 8448)],
)
def test_the_limit_follows_from_the_files_that_may_be_open(
    soft: int, hard: int, limit: int, raised: int
) -> None:
    script = f"""
import json, resource
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
from es_hybrid.http.connections import connection_limit
print(json.dumps([connection_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[0]]))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert json.loads(done.stdout) == [limit, raised]
