"""A crash loses and doubles nothing, and a resume skips what is done.

One load is killed with SIGKILL again and again, at points drawn over all its stages, and resumed
each time until it finishes. Then the index, the dead letters and the ends are those of a load that
nobody touched, and the embedding server has seen few texts twice.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest
from elasticsearch import Elasticsearch, helpers

from es_hybrid.node import EmbeddedNode
from tests.embedding_server import EmbeddingServer
from tests.ingest.shell import Shell
from tests.reliability.killing import MOMENTS, STAGES, Point, run_until

ROWS = 1_800
BATCH = 16
# Threads of a worker process: embedding.concurrency and ingest.bulk_concurrency.
WORKERS = 4 + 2


def feed() -> list[dict[str, Any]]:
    """Rows with every end: good, doubled, bad, of a doubled text."""
    rows: list[dict[str, Any]] = [
        {"id": f"P{n}", "title": f"Product number {n}", "price": n + 0.5} for n in range(ROWS)
    ]
    for n in range(40, ROWS, 90):
        rows[n]["price"] = "12,99"
    for n in range(70, ROWS, 130):
        rows[n] = {"id": f"P{n - 60}", "title": f"Product number {n - 60} again"}
    return rows


def digest(es: Elasticsearch, index: str) -> tuple[int, str]:
    """Documents, and a hash over (_id, _source, vector) of all of them."""
    es.indices.refresh(index=index)
    hashed = hashlib.sha256()
    hits = helpers.scan(
        es, index=index, query={"query": {"match_all": {}}, "_source": {"exclude_vectors": False}}
    )
    documents = sorted((hit["_id"], hit["_source"]) for hit in hits)
    for document in documents:
        hashed.update(orjson.dumps(document, option=orjson.OPT_SORT_KEYS))
    return len(documents), hashed.hexdigest()


def letters_of(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "es-hybrid.rejected.jsonl").read_text().splitlines()
    return sorted((letter["id"], letter["reason"]) for letter in map(json.loads, lines))


@pytest.fixture
def untouched(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> tuple[Shell, tuple[int, str], list[tuple[str, str]], EmbeddingServer]:
    """A load that nobody touched."""
    raise NotImplementedError


class Trial:
    """Loads to kill, and the one to hold them against."""

    def __init__(
        self, node: EmbeddedNode, es: Elasticsearch, index: str, folder: Path
    ) -> None:
        self.node, self.es, self.index, self.folder = node, es, index, folder
        self.kills: Counter[str] = Counter()
        self.redone = 0

    def load(self, name: str, points: list[Point]) -> None:
        """One load, killed at the points one after the other."""
        folder = self.folder / name
        folder.mkdir()
        lines = b"".join(orjson.dumps(row) + b"\n" for row in feed())
        (folder / "feed.jsonl").write_bytes(lines)
        index = f"{self.index}-{name}"
        with EmbeddingServer() as server:
            shell = Shell.at(
                folder, self.node.url, index, server, EMBEDDING__BATCH_SIZE=str(BATCH)
            )
            killed = 0
            for point in points:
                has_begun = any((folder / ".es-hybrid/loads").glob("*.sqlite"))
                if has_begun and not self._is_unfinished(folder):
                    break
                arguments = ("ingest", "resume") if has_begun else ("ingest", "load", "feed.jsonl")
                if run_until(shell, point, *arguments):
                    killed += 1
                    self.kills[f"{point.moment} {point.stage}"] += 1
            self._finish(shell, has_begun=any((folder / ".es-hybrid/loads").glob("*.sqlite")))
            products = [text for text in server.texts if text.startswith("Product")]
        redone = len(products) - len(set(products))
        assert redone <= killed * WORKERS * BATCH
        self.redone += redone
        self.compare(folder, index)

    def _is_unfinished(self, folder: Path) -> bool:
        finished = Shell(folder).run("ingest", "status", "--json", "--url", self.node.url)
        return json.loads(finished.stdout)["state"] != "finished"

    def _finish(self, shell: Shell, *, has_begun: bool) -> None:
        finished = shell.run(*(("ingest", "resume") if has_begun else ("ingest", "load", "feed.jsonl")))
        assert finished.returncode == 1 or "no unfinished load" in finished.stderr, finished.stderr

    def compare(self, folder: Path, index: str) -> None:
        """Hold a load's index and letters against the first one's."""
        found = digest(self.es, index), letters_of(folder)
        if not hasattr(self, "expected"):
            self.expected = found
        assert found == self.expected
