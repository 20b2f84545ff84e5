"""Loads on a local Ray cluster of two CPUs: as good as in threads, and harder to kill."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from elasticsearch import Elasticsearch

from es_hybrid.errors import EmbeddingError, EsHybridError, Interrupted, RowError
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, Settings
from ingest.attempt import Attempt
from ingest.runners.ray import RayRunner
from ingest.shard import Shard, ShardKey
from ingest.sources import Row
from tests.embedding_server import EmbeddingServer
from tests.ingest.conftest import Shop
from tests.ingest.parts import bare_spec

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """Joined by every runner of these tests: starting one costs seconds."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Kettle number {n}", "price": n + 0.5} for n in range(count)]


def actors() -> list[int]:
    """Process ids of the shard actors that descend from this process."""
    parents, names = {}, {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" (", 1)
            names[int(pid)] = (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        parents[int(pid)] = int(rest.rsplit(") ", 1)[1].split()[1])

    def is_ours(pid: int) -> bool:
        while pid > 1:
            pid = parents.get(pid, 0)
            if pid == os.getpid():
                return True
        return False

    return [pid for pid, name in names.items() if b"ray::ShardActor" in name and is_ours(pid)]


def digest(es: Elasticsearch, index: str) -> dict[str, Any]:
    """Id -> `_source` with the vector, byte for byte."""
    hits = es.search(index=index, size=10_000, source={"exclude_vectors": False})["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


def slowly(seconds: float) -> Callable[[dict[str, Any], int], None]:
    """A fault that only takes time: else a load is over before it can be killed."""

    def wait(request: dict[str, Any], number: int) -> None:
        time.sleep(seconds)

    return wait


def killer(kills: int, seen: list[int]) -> threading.Thread:
    """Kill an actor at work again and again; `seen` gets the process ids."""
    chance = random.Random(kills)

    def run() -> None:
        while len(seen) < kills:
            time.sleep(chance.uniform(0.3, 1.0))
            if alive := [pid for pid in actors() if pid not in seen]:
                seen.append(chance.choice(alive))
                os.kill(seen[-1], signal.SIGKILL)

    return threading.Thread(target=run, daemon=True)


def test_the_index_is_that_of_the_local_runner_and_killed_actors_lose_nothing(
    cluster: None, open_shop: OpenShop, es: Elasticsearch
) -> None:
    kill_actors(open_shop, es, count=3_000, kills=2)


@pytest.mark.soak
def test_twenty_killed_actors_lose_nothing(
    cluster: None, open_shop: OpenShop, es: Elasticsearch
) -> None:
    kill_actors(open_shop, es, count=20_000, kills=20)


def kill_actors(open_shop: OpenShop, es: Elasticsearch, *, count: int, kills: int) -> None:
    """Load with actors being killed, and compare with a load in threads that nobody disturbs."""
    bad = {"id": "bad", "title": " "}
    quiet = open_shop(embedding={"batch_size": 32})
    quiet.load([*rows(count), bad])
    expected = digest(es, quiet.settings.index.name)
    es.indices.delete(index=[*es.indices.get(index=quiet.settings.index.name)])

    shop = open_shop(fault=slowly(0.02), embedding={"batch_size": 32})
    killed: list[int] = []
    thread = killer(kills, killed)
    thread.start()
    tally = shop.load([*rows(count), bad], attempt=Attempt(runner="ray"))
    thread.join(timeout=60)
    assert len(killed) == kills
    assert tally.ended == tally.rows == count + 1
    assert tally.rejected == 1
    assert digest(es, shop.settings.index.name) == expected
    # One shard in hand at each kill, of which all but one batch is found in the index.
    assert count <= len(shop.server.texts) - len(set(shop.server.texts)) + count
