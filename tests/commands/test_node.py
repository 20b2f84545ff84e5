"""`es-hybrid node` as a user runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from es_hybrid.node.artifacts import home_folder
from es_hybrid.node.state import NodeState, is_locked, running_node
from tests.pauses import wait_until

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environment(node: EmbeddedNode, tmp_path: Path) -> dict[str, str]:
    """The environment of another user: folders under `tmp_path`, no network, and a failing `jgo`.

    The jars are those of the shared node.
    """
    cache = tmp_path / "cache" / "es-hybrid"
    cache.mkdir(parents=True)
    (cache / home_folder().name).symlink_to(home_folder())
    (tmp_path / "traps" / "jgo").mkdir(parents=True)
    (tmp_path / "traps" / "jgo" / "__init__.py").write_text("raise SystemExit('jgo was called')")
    return {
        **os.environ,
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PYTHONPATH": str(tmp_path / "traps"),
        "HTTP_PROXY": "http://127.0.0.1:9",
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "M2_REPO": str(tmp_path / "maven"),
    }


@pytest.fixture
def command(environment: dict[str, str]) -> list[str]:
    code = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"
    return [sys.executable, "-c", code, "node"]


@pytest.fixture
def run(command: list[str], environment: dict[str, str], tmp_path: Path) -> Iterator[Run]:
    """Runs `es-hybrid node …` and waits for it. Kills a node left running."""

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*command, *arguments], env=environment, capture_output=True, text=True, timeout=150
        )

    yield call
    left = running_node(tmp_path / "data" / "es-hybrid" / "node")
    if left:
        os.kill(left.pid, signal.SIGKILL)


def started(data: Path) -> NodeState:
    state = running_node(data)
    assert state is not None
    return state


@pytest.mark.skipif(sys.platform != "linux", reason="the default folders are moved by XDG_*")
def test_a_node_from_start_to_stop_offline_with_a_crash_between(
    run: Run, environment: dict[str, str], tmp_path: Path
) -> None:
    data = tmp_path / "data" / "es-hybrid" / "node"
    before = run("status")
    assert (before.returncode, before.stdout) == (3, "not running\n")

    first = run("start", "--heap", "256m")
    assert first.returncode == 0, first.stderr
    state = started(data)
    assert first.stdout == f"Elasticsearch 9.5.3 is ready at {state.url}\n"
    assert "downloading" not in first.stderr
    assert "health: green" in first.stderr

    found = subprocess.run(
        [sys.executable, "-c", "from es_hybrid.node.state import find_running as f; print(f())"],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert found.stdout.strip() == state.url

    again = run("start")
    assert again.returncode == 2
    assert f"another node runs on this data folder (process {state.pid}" in again.stderr

    with Elasticsearch(state.url) as client:
        client.index(index="kept", id="1", document={"title": "kept"}, refresh=True)
    shown = run("status")
    assert shown.returncode == 0
    rows = dict(line.split(maxsplit=1) for line in shown.stdout.splitlines())
    assert (rows["url"], rows["pid"], rows["heap"]) == (state.url, str(state.pid), "256m")
    assert (rows["version"], rows["data"]) == ("9.5.3", str(data))
    assert rows["health"].startswith("yellow: 1 replica")
    assert rows["contents"].startswith("1 documents, ")

    os.kill(state.pid, signal.SIGKILL)
    wait_until(lambda: not is_locked(data))
    assert run("status").returncode == 3

    # Another start, on the port the first one had: the data is there.
    second = run("start", "--heap", "256m", "--port", str(state.port))
    assert second.returncode == 0, second.stderr
    assert started(data).url == state.url
    with Elasticsearch(state.url) as client:
        assert client.get(index="kept", id="1")["_source"] == {"title": "kept"}

    logged = run("logs", "-n", "5")
    assert logged.returncode == 0
    assert logged.stdout.splitlines() == (data / "node.log").read_text().splitlines()[-5:]

    stopped = run("stop")
    assert (stopped.returncode, stopped.stdout) == (0, f"stopped {state.url}\n")
    assert run("stop").stdout == "not running\n"
    assert "closed" in run("logs", "-n", "1").stdout
    assert run("status").returncode == 3
    assert sorted(entry.name for entry in data.iterdir()) == [
        "elasticsearch",
        "node.lock",
        "node.log",
        "node.log.1",
    ]


def test_ctrl_c_while_it_starts_leaves_nothing(
    command: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    data = tmp_path / "there"
    starting = subprocess.Popen(
        [*command, "start", "--data", str(data)],
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until((data / "node.log").exists)
    looked = subprocess.run(
        [*command, "status", "--data", str(data)], env=environment, capture_output=True, text=True
    )
    assert (looked.returncode, looked.stdout) == (3, "starting\n")
    stopping = subprocess.run(
        [*command, "stop", "--data", str(data)], env=environment, capture_output=True, text=True
    )
    assert stopping.returncode == 2
    assert "still starting" in stopping.stderr
    starting.send_signal(signal.SIGINT)
    _, said = starting.communicate(timeout=60)
    assert starting.returncode == 1
    assert "Aborted!" in said
    assert not is_locked(data)


def test_a_start_that_ignores_ctrl_c_ends_on_sigterm_and_leaves_nothing_running(
    command: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    data = tmp_path / "there"
    ignoring = signal.signal(signal.SIGINT, signal.SIG_IGN)  # inherited by the child
    try:
        starting = subprocess.Popen([*command, "start", "--data", str(data)], env=environment)
    finally:
        signal.signal(signal.SIGINT, ignoring)
    wait_until((data / "node.log").exists)
    starting.send_signal(signal.SIGINT)
    starting.send_signal(signal.SIGTERM)
    assert starting.wait(60) == -signal.SIGTERM
    wait_until(lambda: not is_locked(data))


def test_logs_follows_what_is_written(
    command: list[str], environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "node.log"
    log.write_text("one\ntwo\n")
    following = subprocess.Popen(
        [*command, "logs", "--data", str(tmp_path), "-n", "1", "--follow"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert following.stdout is not None
    assert following.stdout.readline() == "two\n"
    with log.open("a") as file:
        file.write("three\n")
    assert following.stdout.readline() == "three\n"
    following.send_signal(signal.SIGINT)
    following.communicate(timeout=60)
    assert following.returncode == 0


def test_logs_without_a_log_says_where_it_looked(run: Run, tmp_path: Path) -> None:
    done = run("logs", "--data", str(tmp_path))
    assert done.returncode == 2
    assert f"{tmp_path}/node.log: there is no log; start the node" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--heap", "lots"], "heap 'lots' is not a size; write it as 512m or 2g"),
        (["--port", "65536"], "Invalid value for '--port'"),
    ],
)
def test_a_wrong_option_is_exit_2_and_says_what_is_right(
    run: Run, arguments: list[str], message: str
) -> None:
    done = run("start", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
