"""Loads on a local Ray cluster of two CPUs: as good as in threads, and harder to kill."""

from __future__ import annotations

import hashlib
import json
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
from elasticsearch.helpers import scan

from es_hybrid.errors import EsHybridError
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, Settings
from ingest.attempt import Attempt
from ingest.runners.ray import RayRunner
from ingest.shard import Shard, ShardKey
from ingest.sources import Row
from tests.embedding_server import EmbeddingServer
from tests.ingest.conftest import Shop
from tests.ingest.parts import bare_spec

BATCH = 32

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


def digest(es: Elasticsearch, index: str) -> str:
    """Of all ids, `_source` and vectors, and how many they are."""
    es.indices.refresh(index=index)
    hits = scan(es, index=index, query={"_source": {"exclude_vectors": False}}, size=1_000)
    lines = sorted(json.dumps([hit["_id"], hit["_source"]], sort_keys=True) for hit in hits)
    return f"{len(lines)} {hashlib.sha256(''.join(lines).encode()).hexdigest()}"


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
    kill_actors(open_shop, es, count=1_500, kills=2)


@pytest.mark.soak
def test_twenty_killed_actors_lose_nothing(
    cluster: None, open_shop: OpenShop, es: Elasticsearch
) -> None:
    kill_actors(open_shop, es, count=20_000, kills=20)


def kill_actors(open_shop: OpenShop, es: Elasticsearch, *, count: int, kills: int) -> None:
    """Load with actors being killed, and compare with a load in threads that nobody disturbs."""
    bad = {"id": "bad", "title": " "}
    quiet = open_shop(embedding={"batch_size": BATCH})
    quiet.load([*rows(count), bad])
    expected = digest(es, quiet.settings.index.name)
    assert expected.startswith(f"{count} ")
    es.indices.delete(index=[*es.indices.get(index=quiet.settings.index.name)])

    shop = open_shop(
        fault=slowly(0.03), embedding={"batch_size": BATCH}, ingest={"max_outage_s": 10.0}
    )
    killed: list[int] = []
    thread = killer(kills, killed)
    thread.start()
    tally = shop.load([*rows(count), bad], attempt=Attempt(runner="ray"))
    thread.join(timeout=60)
    assert len(killed) == kills
    assert tally.ended == tally.rows == count + 1
    assert tally.rejected == 1
    assert digest(es, shop.settings.index.name) == expected
    # A batch in hand at each kill; what was written of its shard before is found in the index.
    texts = [text for text in shop.server.texts if text.startswith("Kettle number")]
    assert count <= len(texts) <= count + kills * BATCH


def shard_of(count: int) -> Shard:
    taken = tuple(Row(f"rows.jsonl:{n + 1}", row) for n, row in enumerate(rows(count)))
    return Shard(ShardKey(0, 7), taken, range(1, count + 1))


def settings_of(node: EmbeddedNode, server: EmbeddingServer) -> Settings:
    return Settings.model_validate(
        {
            "elasticsearch": {"url": node.url},
            "embedding": {"base_url": server.url, "batch_size": BATCH, "max_retries": 0},
            "ingest": {"max_outage_s": 5, "default_lang": "en"},
        }
    )


def test_a_stall_is_named_and_a_stop_ends_a_shard_early(
    cluster: None,
    node: EmbeddedNode,
    es: Elasticsearch,
    index_name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    hangs, go_on = threading.Event(), threading.Event()

    def hang(request: dict[str, Any], number: int) -> None:
        if len(request["input"]) == BATCH:
            hangs.set()
            go_on.wait(60)

    with EmbeddingServer(fault=hang) as server:
        spec = bare_spec(settings_of(node, server), index=index_name)
        runner = RayRunner(spec, actors=1, stall_after=1.5)
        try:
            runner.submit(shard_of(200))

            def watch() -> None:
                hangs.wait(60)
                while "no shard has ended" not in caplog.text:
                    time.sleep(0.1)
                runner.stop()
                # So long that the stop has been passed on.
                time.sleep(2)
                go_on.set()

            threading.Thread(target=watch, daemon=True).start()
            result = runner.next_result()
        finally:
            go_on.set()
            runner.close()
    assert "1 under way, the longest for" in caplog.text
    assert "rows.jsonl:1 to rows.jsonl:200" in caplog.text
    assert result.error is None
    assert not result.complete
    # The batch in hand was written, and no other.
    assert result.tally.created == result.tally.embedded == BATCH


def test_an_actor_that_cannot_begin_says_why(cluster: None, node: EmbeddedNode) -> None:
    # No server, and dims that the embedded encoder does not have.
    settings = Settings(embedding=EmbeddingSettings(dims=99))
    runner = RayRunner(bare_spec(settings), actors=1)
    try:
        runner.submit(shard_of(3))
        result = runner.next_result()
    finally:
        runner.close()
    assert isinstance(result.error, EsHybridError)
    assert "gives 512 dims, not 99" in str(result.error)
    assert "rows.jsonl:1 to rows.jsonl:3" in str(result.error)
    assert not result.complete


def test_a_killed_load_is_resumed_on_ray(
    open_shop: OpenShop, es: Elasticsearch, tmp_path: Path
) -> None:
    kill_driver(open_shop, es, tmp_path, count=1_500, kills=1)


@pytest.mark.soak
def test_a_load_killed_twenty_times_is_resumed_on_ray(
    open_shop: OpenShop, es: Elasticsearch, tmp_path: Path
) -> None:
    kill_driver(open_shop, es, tmp_path, count=20_000, kills=20)


def kill_driver(
    open_shop: OpenShop, es: Elasticsearch, folder: Path, *, count: int, kills: int
) -> None:
    """Kill the command with all it started, and compare with a load that nobody disturbs."""
    quiet = open_shop(embedding={"batch_size": BATCH})
    quiet.load(rows(count))
    index = quiet.settings.index.name
    expected = digest(es, index)
    es.indices.delete(index=[*es.indices.get(index=index)])

    shop = open_shop(fault=slowly(0.03), embedding={"batch_size": BATCH})
    source = folder / "feed.jsonl"
    source.write_text("".join(json.dumps(row) + "\n" for row in rows(count)))
    environment = os.environ | {
        "ES_HYBRID_EMBEDDING__BASE_URL": shop.server.url,
        "ES_HYBRID_EMBEDDING__BATCH_SIZE": str(BATCH),
        "ES_HYBRID_INGEST__DEFAULT_LANG": "en",
        "ES_HYBRID_INGEST__RAY_ACTORS": "2",
    }
    main = [sys.executable, "-c", "from es_hybrid.cli import main; main()", "ingest"]
    url = str(shop.settings.elasticsearch.url)
    command = [*main, "load", str(source), "--index", index, "--runner", "ray", "--url", url]
    for kill in range(kills):
        running = subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.PIPE)
        while len(set(shop.server.texts)) < (kill + 1) * count / (kills + 1):
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        running.kill()
        running.communicate()
        command = [*main, "resume", "--runner", "ray", "--url", url]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False,
        timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert digest(es, index) == expected
    texts = [text for text in shop.server.texts if text.startswith("Kettle number")]
    # A batch in hand of each of two workers at each kill.
    assert count <= len(texts) <= count + kills * 2 * BATCH
