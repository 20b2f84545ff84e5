"""Which node runs on a data folder."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from es_hybrid.errors import NodeError
from es_hybrid.node import state
from es_hybrid.node.state import NodeState, find_running, is_locked, locked, running_node
from tests.pauses import wait_until

STATE = NodeState(
    pid=os.getpid(),
    port=9200,
    url="http://127.0.0.1:9200",
    version="9.5.3",
    java="25 (/java)",
    heap="1g",
    started="2026-01-01T00:00:00+00:00",
)

# Takes the lock as the launcher does, passes it to a child and ends: then only the child holds it.
LEAVE_A_HOLDER = """
import subprocess, sys
from pathlib import Path
from es_hybrid.node.state import locked
with locked(Path(sys.argv[1])) as lock:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    child = subprocess.Popen(["sleep", "60"], pass_fds=(lock,), **quiet)
print(child.pid)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[int]:
    """Process id of a child that inherited the lock of `tmp_path`."""
    done = subprocess.run(
        [sys.executable, "-c", LEAVE_A_HOLDER, tmp_path], check=True, capture_output=True, text=True
    )
    pid = int(done.stdout)
    yield pid
    if is_locked(tmp_path):
        os.kill(pid, 9)


def test_a_lock_lives_exactly_as_long_as_the_process_that_inherited_it(
    tmp_path: Path, holder: int
) -> None:
    state.write_state(tmp_path, replace(STATE, pid=holder))
    assert running_node(tmp_path) == replace(STATE, pid=holder)
    os.kill(holder, 9)
    wait_until(lambda: not is_locked(tmp_path))
    assert running_node(tmp_path) is None


def test_a_state_file_whose_process_id_was_given_away_again_is_no_node(tmp_path: Path) -> None:
    state.write_state(tmp_path, STATE)  # this process is alive, but no node
    assert running_node(tmp_path) is None


def test_a_second_lock_is_refused_with_the_holder_named(tmp_path: Path, holder: int) -> None:
    state.write_state(tmp_path, replace(STATE, pid=holder))
    with (
        pytest.raises(NodeError, match=rf"process {holder}, http://127.0.0.1:9200.*node stop"),
        locked(tmp_path),
    ):
        pytest.fail("two hold the lock")


def test_a_node_that_has_not_bound_its_port_yet_is_called_starting(
    tmp_path: Path, holder: int
) -> None:
    assert is_locked(tmp_path)
    assert running_node(tmp_path) is None
    with pytest.raises(NodeError, match="still starting"), locked(tmp_path):
        pytest.fail("two hold the lock")


def test_looking_at_the_lock_does_not_hinder_a_start(tmp_path: Path) -> None:
    looking = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from es_hybrid.node.state import is_locked\n"
            "print(flush=True)\n"
            "while True: is_locked(Path(sys.argv[1]))",
            tmp_path,
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert looking.stdout is not None
        looking.stdout.readline()
        for _ in range(300):
            with locked(tmp_path):
                assert is_locked(tmp_path)
    finally:
        looking.kill()
        looking.communicate()


def test_the_state_file_is_its_owners_alone_and_whole(tmp_path: Path) -> None:
    state.write_state(tmp_path, STATE)
    file = tmp_path / state.STATE_FILE
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text())["url"] == STATE.url
    assert [entry.name for entry in tmp_path.iterdir()] == [state.STATE_FILE]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"of": "another version"}'])
def test_a_state_file_of_another_shape_is_no_node(
    tmp_path: Path, holder: int, content: str
) -> None:
    (tmp_path / state.STATE_FILE).write_text(content)
    assert is_locked(tmp_path)
    assert running_node(tmp_path) is None


@pytest.mark.parametrize("data", ["absent", "a-file/below"])
def test_a_folder_that_is_not_there_has_no_node(tmp_path: Path, data: str) -> None:
    (tmp_path / "a-file").touch()
    assert running_node(tmp_path / data) is None


def test_find_running_looks_at_the_default_folder_and_never_waits(
    tmp_path: Path, holder: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "default_data", lambda: tmp_path)
    state.write_state(tmp_path, replace(STATE, pid=holder))
    monkeypatch.delattr(time, "sleep")
    assert find_running() == STATE.url
    (tmp_path / state.STATE_FILE).unlink()
    assert find_running() is None


def test_state_imports_nothing_heavy() -> None:
    heavy = ["elasticsearch", "jpype", "jgo", "http.client", "subprocess", "pydantic"]
    code = f"import sys, es_hybrid.node.state; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
