"""Loads on a local Ray cluster of two CPUs: equal to loads in threads, and they survive kills."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import ray
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan

from es_hybrid.errors import EsHybridError, SettingsError
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, Settings
from ingest.load.on_ray import RayRunner
from ingest.load.slices import Slice
from ingest.record.result import SliceKey
from ingest.sources import Row
from tests.fakes.embedding import EmbeddingServer
from tests.ingest.conftest import Shop
from tests.ingest.parts import bare_spec
from tests.ingest.shell import Shell
from tests.pauses import PATIENCE
from tests.processes import slice_actors

BATCH = 32

OpenShop = Callable[..., Shop]


@pytest.fixture(scope="module")
def cluster() -> Iterator[None]:
    """The cluster that every runner of these tests joins; starting one takes seconds."""
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


def rows(count: int) -> list[dict[str, Any]]:
    return [{"id": f"P{n}", "title": f"Kettle number {n}", "price": n + 0.5} for n in range(count)]


def digest(es: Elasticsearch, index: str) -> str:
    """Number of documents, and a digest of all ids, `_source` and vectors."""
    es.indices.refresh(index=index)
    hits = scan(es, index=index, query={"_source": {"exclude_vectors": False}}, size=1_000)
    lines = sorted(json.dumps([hit["_id"], hit["_source"]], sort_keys=True) for hit in hits)
    return f"{len(lines)} {hashlib.sha256(''.join(lines).encode()).hexdigest()}"


def slowly(seconds: float) -> Callable[[dict[str, Any], int], None]:
    """A delay, so that a load does not end before it is killed."""

    def wait(request: dict[str, Any], number: int) -> None:
        time.sleep(seconds)

    return wait


def killer(kills: int, seen: list[int]) -> threading.Thread:
    """Repeatedly kill a working actor; `seen` gets the process ids."""
    chance = random.Random(kills)

    def run() -> None:
        while len(seen) < kills:
            time.sleep(chance.uniform(0.3, 1.0))
            if alive := [pid for pid in slice_actors(os.getpid()) if pid not in seen]:
                seen.append(chance.choice(alive))
                os.kill(seen[-1], signal.SIGKILL)

    return threading.Thread(target=run, daemon=True)


@pytest.mark.parametrize(
    ("count", "kills"), [(1_500, 2), pytest.param(20_000, 20, marks=pytest.mark.soak)]
)
def test_the_index_is_that_of_the_local_runner_and_killed_actors_lose_nothing(
    cluster: None, open_shop: OpenShop, es: Elasticsearch, count: int, kills: int
) -> None:
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
    tally = shop.load([*rows(count), bad], runner="ray")
    thread.join(timeout=PATIENCE)
    assert len(killed) == kills
    assert tally.ended == tally.rows == count + 1
    assert tally.rejected == 1
    assert digest(es, shop.settings.index.name) == expected
    # One current batch per kill; earlier batches of its slice are found in the index.
    texts = [text for text in shop.server.texts if text.startswith("Kettle number")]
    assert count <= len(texts) <= count + kills * BATCH


def slice_of(count: int) -> Slice:
    taken = tuple(Row(f"rows.jsonl:{n + 1}", row) for n, row in enumerate(rows(count)))
    return Slice(SliceKey(0, 7), taken, range(1, count + 1))


def settings_of(node: EmbeddedNode, server: EmbeddingServer) -> Settings:
    return Settings.model_validate(
        {
            "elasticsearch": {"url": node.url},
            "embedding": {"base_url": server.url, "batch_size": BATCH, "max_retries": 0},
            "ingest": {"max_outage_s": 5, "default_lang": "en"},
        }
    )


def test_a_stall_is_named_and_a_stop_ends_a_slice_early(
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
            go_on.wait(PATIENCE)

    with EmbeddingServer(fault=hang) as server:
        spec = bare_spec(settings_of(node, server), index=index_name)
        runner = RayRunner(spec, actors=1, stall_after=1.5)
        try:
            runner.submit(slice_of(200))

            def watch() -> None:
                hangs.wait(PATIENCE)
                while "no slice has ended" not in caplog.text:
                    time.sleep(0.1)
                runner.stop()
                # Long enough for the stop to reach the actor.
                time.sleep(2)
                go_on.set()

            threading.Thread(target=watch, daemon=True).start()
            result = runner.next_result()
        finally:
            go_on.set()
            runner.close()
    assert "1 in progress, the longest for" in caplog.text
    assert "rows.jsonl:1 to rows.jsonl:200" in caplog.text
    assert result.error is None
    assert not result.complete
    # Only the current batch was written.
    assert result.tally.created == result.tally.embedded == BATCH


def test_an_actor_that_cannot_begin_says_why(cluster: None, node: EmbeddedNode) -> None:
    # No server, and dims that the embedded encoder does not have.
    settings = Settings(embedding=EmbeddingSettings(dims=99))
    runner = RayRunner(bare_spec(settings), actors=1)
    try:
        runner.submit(slice_of(3))
        result = runner.next_result()
    finally:
        runner.close()
    assert isinstance(result.error, EsHybridError)
    assert "gives 512 dims, not 99" in str(result.error)
    assert "rows.jsonl:1 to rows.jsonl:3" in str(result.error)
    assert not result.complete


def test_a_ray_that_does_not_start_in_time_is_an_error_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def busy(**options: Any) -> None:
        raise Exception("The current node timed out during startup.")

    monkeypatch.setattr(ray, "init", busy)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with pytest.raises(EsHybridError, match="joined or started: The current node timed out"):
        RayRunner(bare_spec(Settings()))


def test_more_actors_than_the_cluster_has_cpus_are_refused(cluster: None) -> None:
    with pytest.raises(SettingsError, match="3 actors for the 2 CPUs of the cluster"):
        RayRunner(bare_spec(Settings()), actors=3)


def shell_of(shop: Shop, index: str) -> Shell:
    """Runs commands in the shop's folder; its Ray has two actors."""
    more = {"EMBEDDING__BATCH_SIZE": str(BATCH), "INGEST__RAY_ACTORS": "2"}
    return Shell.at(shop.folder, str(shop.settings.elasticsearch.url), index, shop.server, **more)


@pytest.mark.parametrize(
    ("count", "kills"), [(1_500, 1), pytest.param(20_000, 20, marks=pytest.mark.soak)]
)
def test_a_killed_load_is_resumed_on_ray(
    open_shop: OpenShop, es: Elasticsearch, count: int, kills: int
) -> None:
    """Kill the command with its children, and compare with an undisturbed load."""
    quiet = open_shop(embedding={"batch_size": BATCH})
    quiet.load(rows(count))
    index = quiet.settings.index.name
    expected = digest(es, index)
    es.indices.delete(index=[*es.indices.get(index=index)])

    shop = open_shop(fault=slowly(0.03), embedding={"batch_size": BATCH})
    shell = shell_of(shop, index)
    (shell.folder / "feed.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows(count)))
    command: tuple[str, ...] = ("ingest", "load", "feed.jsonl", "--runner", "ray")
    for kill in range(kills):
        running = shell.start(*command)
        while len(set(shop.server.texts)) < (kill + 1) * count / (kills + 1):
            assert running.poll() is None, running.communicate()
            time.sleep(0.05)
        running.kill()
        running.communicate()
        command = ("ingest", "resume", "--runner", "ray")
    running = shell.start(*command)
    output = running.communicate()
    assert running.returncode == 0, output
    assert digest(es, index) == expected
    texts = [text for text in shop.server.texts if text.startswith("Kettle number")]
    # One current batch per worker and kill.
    assert count <= len(texts) <= count + kills * 2 * BATCH
