"""6. An outage is waited out, unattended; one that lasts too long ends resumable."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.embedding_server import EmbeddingServer, vector_of
from tests.ingest.faulty import DROP, Answer, FaultyProxy, Forward

ROWS = 600
BATCH = 8
CONCURRENCY = 2
OUTAGE_STATUS = 75


class Away:
    """A server that is away for a while, from its tenth request on.

    Attributes:
        seconds: How long, from the first request that it drops.
        dropped: How many requests fell into the outage.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.dropped = 0
        self._requests = 0
        self._since: float | None = None

    def __call__(self) -> bool:
        self._requests += 1
        if self._requests < 10:
            return False
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since >= self.seconds:
            return False
        self.dropped += 1
        return True


class Shop:
    """The command as a shop runs it, between an Elasticsearch and an embedding server."""

    def __init__(self, node: EmbeddedNode, index: str, folder: Path, away: str, seconds: float):
        self.away = Away(seconds)
        self._folder = folder
        self._index = index
        self._is_away = away
        self.proxy = FaultyProxy(node.url, self._before_elasticsearch)
        self.server = EmbeddingServer(fault=self._before_embedding)
        rows = [{"id": f"P{n}", "title": f"Product {n}", "lang": "en"} for n in range(ROWS)]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {name: text for name, text in os.environ.items() if "ES_HYBRID" not in name}
        environment |= {
            "ES_HYBRID_ELASTICSEARCH__URL": self.proxy.url,
            "ES_HYBRID_INDEX__NAME": self._index,
            "ES_HYBRID_EMBEDDING__BASE_URL": self.server.url,
            "ES_HYBRID_EMBEDDING__BATCH_SIZE": str(BATCH),
            "ES_HYBRID_EMBEDDING__CONCURRENCY": str(CONCURRENCY),
            "ES_HYBRID_EMBEDDING__MAX_RETRIES": "1",
        }
        command = [sys.executable, "-c", "from es_hybrid.cli import main; main()", "ingest"]
        return subprocess.run(
            [*command, *arguments], cwd=self._folder, env=environment, capture_output=True,
            text=True, timeout=300, check=False,
        )  # fmt: skip

    def _before_elasticsearch(self, path: str, _body: bytes, _ask: Forward) -> Answer | None:
        is_ours = self._is_away == "elasticsearch" and ("/_bulk" in path or self.away.dropped)
        return DROP if is_ours and self.away() else None

    def _before_embedding(self, _request: dict[str, Any], _number: int) -> Any:
        return (0, {}, b"") if self._is_away == "embedding" and self.away() else None


def _assert_all_loaded(es: Elasticsearch, index: str) -> None:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=10_000, source={"exclude_vectors": False})["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {f"P{n}" for n in range(ROWS)}
    for hit in hits:
        stored, right = hit["_source"]["embedding"], vector_of(hit["_source"]["title"], 64)
        assert abs(stored - right).max() < 1e-5


@pytest.mark.parametrize("away", ["elasticsearch", "embedding"])
@pytest.mark.parametrize("seconds", [3.0, pytest.param(30.0, marks=pytest.mark.soak)])
def test_an_outage_ends_with_status_0_unattended(
    node: EmbeddedNode,
    es: Elasticsearch,
    index_name: str,
    tmp_path: Path,
    away: str,
    seconds: float,
) -> None:
    shop = Shop(node, index_name, tmp_path, away, seconds)
    with shop.proxy, shop.server:
        start = time.monotonic()
        finished = shop.run("load", "rows.jsonl")
        took = time.monotonic() - start
    assert finished.returncode == 0, finished.stderr
    assert shop.away.dropped > 1
    assert took > seconds
    assert "trying again in" in finished.stderr
    _assert_all_loaded(es, index_name)


@pytest.mark.parametrize("away", ["elasticsearch", "embedding"])
def test_a_longer_one_ends_with_status_75_and_is_resumed(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path, away: str
) -> None:
    shop = Shop(node, index_name, tmp_path, away, seconds=3600.0)
    with shop.proxy, shop.server:
        given_up = shop.run("load", "rows.jsonl", "--max-outage", "1")
        assert given_up.returncode == OUTAGE_STATUS, given_up.stderr
        assert shop.away.dropped > 1
        assert "busy or away for 1 s" in given_up.stderr.splitlines()[-1]
        assert "es-hybrid ingest resume" in given_up.stderr.splitlines()[-1]
        shop.away.seconds = 0.0
        resumed = shop.run("resume")
        assert resumed.returncode == 0, resumed.stderr
    _assert_all_loaded(es, index_name)
    embedded = [text for text in shop.server.texts if text.startswith("Product")]
    unanswered = shop.away.dropped * BATCH if away == "embedding" else 0
    # Embedded twice is at most what was not written yet when the cluster went away.
    assert len(embedded) - unanswered <= ROWS + BATCH * CONCURRENCY
