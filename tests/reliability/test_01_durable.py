"""1. An acknowledged document is durable: the node is killed repeatedly with SIGKILL."""

from __future__ import annotations

import json
import os
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, index_operation
from tests.fakes.elasticsearch import FaultyProxy, Forward, operations_of
from tests.fakes.http import Answer

INDEX = "durable"
_THREADS = 2
_PER_REQUEST = 50


class Acknowledged:
    """Records the versions that the answers to the writer acknowledge."""

    def __init__(self) -> None:
        self.versions: dict[str, int] = {}
        self._bulks = threading.Semaphore(0)

    def wait_for(self, bulks: int) -> None:
        """Wait until this many more requests are acknowledged."""
        while self._bulks.acquire(blocking=False):
            pass
        for _ in range(bulks):
            assert self._bulks.acquire(timeout=120), "no request is acknowledged any more"

    def __call__(self, path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        answer = ask(body)
        if answer.status == 200:
            items = answer.json()["items"]
            for (id_, lines), item in zip(operations_of(body), items, strict=True):
                if item["index"]["status"] < 300:
                    action = json.loads(lines.splitlines()[0])
                    self.versions[id_] = action["index"]["version"]
            self._bulks.release()
        return answer


def _assert_all_there(client: Elasticsearch, promised: dict[str, int]) -> None:
    """Reads by id, in real time: independent of refreshes and searches."""
    ids = list(promised)
    for start in range(0, len(ids), 1000):
        found = client.mget(index=INDEX, ids=ids[start : start + 1000], source=False)["docs"]
        for doc in found:
            assert doc["found"], f"{doc['_id']} was acknowledged and is gone"
            assert doc["_version"] >= promised[doc["_id"]]


def _kill(node: EmbeddedNode) -> int:
    """Send SIGKILL and wait for the end; the node object has to notice it by itself."""
    pid = node.pid
    os.kill(pid, signal.SIGKILL)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


class Writers:
    """Threads that write new documents until the block ends."""

    def __init__(self, writer: BulkWriter, patience: Patience) -> None:
        self._writer = writer
        self._patience = patience
        self._threads = ThreadPoolExecutor(_THREADS)
        self._finished = threading.Event()
        self._written = [self._threads.submit(self._write, thread) for thread in range(_THREADS)]

    def finish(self) -> int:
        """Stop; returns the number of documents written."""
        self._finished.set()
        return sum(written.result() for written in self._written)

    def _write(self, thread: int) -> int:
        number = 0
        while not self._finished.is_set():
            operations = [
                index_operation(f"{thread}-{n}", {"title": f"{n} " * 20}, version=n)
                for n in range(number, number + _PER_REQUEST)
            ]
            assert all(outcome.written for outcome in self._writer.send(operations))
            number += _PER_REQUEST
        return number

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._finished.set()
        self._patience.stopped.set()
        self._threads.shutdown()


@pytest.mark.parametrize("kills", [2, pytest.param(20, marks=pytest.mark.soak)])
def test_what_was_acknowledged_survives_kill_9(fragile_node: EmbeddedNode, kills: int) -> None:
    dice, acknowledged, patience = random.Random(kills), Acknowledged(), Patience(300.0)
    killed: set[int] = set()
    with (
        FaultyProxy(fragile_node.url, acknowledged) as proxy,
        Elasticsearch(proxy.url, request_timeout=30) as behind,
        Elasticsearch(fragile_node.url, request_timeout=60) as client,
    ):
        client.indices.delete(index=INDEX, ignore_unavailable=True)
        client.indices.create(index=INDEX, settings={"refresh_interval": "-1"})
        limit = AdaptiveLimit(_THREADS)
        writer = BulkWriter(behind, INDEX, place="the node", patience=patience, limit=limit)
        with Writers(writer, patience) as writers:
            for _ in range(kills):
                acknowledged.wait_for(4)  # writing has resumed
                time.sleep(dice.uniform(0.0, 0.5))
                promised = dict(acknowledged.versions)
                killed.add(_kill(fragile_node))
                fragile_node.start()
                _assert_all_there(client, promised)
            written = writers.finish()
        _assert_all_there(client, acknowledged.versions)
        client.indices.refresh(index=INDEX)
        assert client.count(index=INDEX)["count"] == written == len(acknowledged.versions)
    assert len(killed) == kills, "each kill hits another process"
    assert 0 in proxy.statuses, "a request met the outage"
