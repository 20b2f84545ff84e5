"""6. A load waits out an outage unattended; after too long an outage it can be resumed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.embedding import EmbeddingServer, vector_of
from tests.fakes.http import DROP, Answer
from tests.ingest.shell import Shell, error_of

ROWS = 200
BATCH = 8
CONCURRENCY = 2
OUTAGE_STATUS = 75


class Away:
    """A server with an outage that begins with its tenth request.

    Attributes:
        seconds: Duration of the outage from the first dropped request.
        dropped: Number of dropped requests.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.dropped = 0
        self._requests = 0
        self._since: float | None = None

    def __call__(self) -> bool:
        """Whether to drop the current request."""
        self._requests += 1
        if self._requests < 10:
            return False
        self._since = self._since or time.monotonic()
        if time.monotonic() - self._since >= self.seconds:
            return False
        self.dropped += 1
        return True


class Shop:
    """The command with an Elasticsearch and an embedding server, one of which has an outage."""

    def __init__(
        self, node: EmbeddedNode, index: str, folder: Path, *, who: str, seconds: float
    ) -> None:
        self.away = Away(seconds)
        self._who = who
        self.proxy = FaultyProxy(node.url, self._before_elasticsearch)
        self.server = EmbeddingServer(fault=self._before_embedding)
        embedding = {"BATCH_SIZE": BATCH, "CONCURRENCY": CONCURRENCY, "MAX_RETRIES": 1}
        variables = {f"EMBEDDING__{name}": str(value) for name, value in embedding.items()}
        self.shell = Shell.at(folder, self.proxy.url, index, self.server, **variables)
        rows = [{"id": f"P{n}", "title": f"Product {n}"} for n in range(ROWS)]
        (folder / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))

    def _before_elasticsearch(self, path: str, _body: bytes, _ask: Forward) -> Answer | None:
        # The outage begins while documents are written, and then affects every request.
        concerned = self._who == "elasticsearch" and ("/_bulk" in path or self.away.dropped)
        return DROP if concerned and self.away() else None

    def _before_embedding(self, _request: dict[str, Any], _number: int) -> Any:
        return DROP if self._who == "embedding" and self.away() else None


def _assert_all_loaded(es: Elasticsearch, index: str) -> None:
    es.indices.refresh(index=index)
    hits = es.search(index=index, size=10_000, source={"exclude_vectors": False})["hits"]["hits"]
    assert {hit["_id"] for hit in hits} == {f"P{n}" for n in range(ROWS)}
    for hit in hits:
        right = vector_of(hit["_source"]["title"], 64)
        np.testing.assert_allclose(hit["_source"]["embedding"], right, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("who", ["elasticsearch", "embedding"])
@pytest.mark.parametrize("seconds", [2.0, pytest.param(30.0, marks=pytest.mark.soak)])
def test_an_outage_ends_with_status_0_unattended(
    node: EmbeddedNode,
    es: Elasticsearch,
    index_name: str,
    tmp_path: Path,
    who: str,
    seconds: float,
) -> None:
    shop = Shop(node, index_name, tmp_path, who=who, seconds=seconds)
    start = time.monotonic()
    with shop.proxy, shop.server:
        finished = shop.shell.run("ingest", "load", "rows.jsonl")
    assert finished.returncode == 0, finished.stderr
    assert shop.away.dropped > 1
    assert time.monotonic() - start > seconds
    assert "trying again in" in finished.stderr
    _assert_all_loaded(es, index_name)


@pytest.mark.parametrize("who", ["elasticsearch", "embedding"])
def test_a_longer_one_ends_with_status_75_and_is_resumed(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path, who: str
) -> None:
    shop = Shop(node, index_name, tmp_path, who=who, seconds=3600.0)
    with shop.proxy, shop.server:
        given_up = shop.shell.run("ingest", "load", "rows.jsonl", "--max-outage", "1")
        assert given_up.returncode == OUTAGE_STATUS, given_up.stderr
        assert shop.away.dropped > 1
        message = error_of(given_up.stderr)
        assert "busy or unavailable for 1 s" in message
        assert "es-hybrid ingest resume" in message
        shop.away.seconds = 0.0
        resumed = shop.shell.run("ingest", "resume")
        assert resumed.returncode == 0, resumed.stderr
    _assert_all_loaded(es, index_name)
    sent = [text for text in shop.server.texts if text.startswith("Product")]
    unanswered = shop.away.dropped * BATCH if who == "embedding" else 0
    # At most the texts that were not written when the outage began are embedded twice.
    assert len(sent) - unanswered <= ROWS + BATCH * CONCURRENCY
