"""A running load: its status for others, and its end on a signal."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.ingest.shell import Shell, error_of
from tests.pauses import PATIENCE

ROWS = 2_000
BATCH = 16


class Gate:
    """A fault that holds every answer from one request on until it is opened."""

    def __init__(self, number: int) -> None:
        self.number, self.reached, self.opened = number, threading.Event(), threading.Event()

    def __call__(self, _request: dict[str, Any], number: int) -> None:
        if number >= self.number:
            self.reached.set()
            self.opened.wait(PATIENCE)


@pytest.fixture
def gate() -> Gate:
    return Gate(60)


@pytest.fixture
def server(gate: Gate) -> Iterator[EmbeddingServer]:
    with EmbeddingServer(fault=gate) as opened:
        yield opened
        gate.opened.set()


@pytest.fixture
def shell(node: EmbeddedNode, index_name: str, tmp_path: Path, server: EmbeddingServer) -> Shell:
    rows = [{"id": f"P{n}", "title": f"Product {n}"} for n in range(ROWS)]
    (tmp_path / "feed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Shell.at(tmp_path, node.url, index_name, server, EMBEDDING__BATCH_SIZE=str(BATCH))


def ended(load: subprocess.Popen[str]) -> tuple[int, str]:
    _, stderr = load.communicate(timeout=PATIENCE)
    assert "Traceback" not in stderr
    return load.returncode, stderr


def test_status_lock_and_ctrl_c(
    shell: Shell, gate: Gate, server: EmbeddingServer, es: Elasticsearch, index_name: str
) -> None:
    load = shell.start("ingest", "load", "feed.jsonl")
    assert gate.reached.wait(PATIENCE)

    running = json.loads(shell.run("ingest", "status", "--json").stdout)
    assert (running["state"], running["index"], running["expected"]) == (
        "running", index_name, ROWS
    )  # fmt: skip
    assert 0 < running["tally"]["created"] < ROWS
    second = shell.run("ingest", "load", "feed.jsonl")
    assert second.returncode == 2
    assert f"index {index_name}: locked by process {load.pid} since 20" in second.stderr

    load.send_signal(signal.SIGINT)
    assert load.stderr is not None
    while "a second signal stops at once" not in load.stderr.readline():
        pass
    gate.opened.set()
    status, stderr = ended(load)
    assert status == 130
    name = running["name"]
    assert error_of(stderr) == (
        f"stopped before the end; then resume with `es-hybrid ingest resume {name}`"
    )
    # The current batches are written: no text was embedded in vain.
    es.indices.refresh(index=index_name)
    texts = [text for text in server.texts if text.startswith("Product")]
    assert len(texts) == len(set(texts)) == es.count(index=index_name)["count"] < ROWS

    shown = shell.run("ingest", "status").stdout
    assert shown.startswith(f"{name}: interrupted\n")
    assert shown.endswith(f"resume it with `es-hybrid ingest resume {name}`\n")
    assert "  coverage       100.0%: " in shown
    assert shell.run("ingest", "resume").returncode == 0
    texts = [text for text in server.texts if text.startswith("Product")]
    assert len(texts) == len(set(texts)) == ROWS
    assert shell.run("ingest", "status").stdout.startswith(f"{name}: finished\n")


def test_a_second_signal_ends_it_at_once(shell: Shell, gate: Gate) -> None:
    load = shell.start("ingest", "load", "feed.jsonl")
    assert gate.reached.wait(PATIENCE)
    load.send_signal(signal.SIGTERM)
    assert load.stderr is not None
    while "a second signal stops at once" not in load.stderr.readline():
        pass
    load.send_signal(signal.SIGTERM)
    # The embedding server still holds its answers.
    assert ended(load)[0] == 128 + signal.SIGTERM
