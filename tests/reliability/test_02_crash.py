"""2. A crash loses and duplicates nothing, and a resume skips what is done.

A load is killed with SIGKILL again and again, at points drawn over all its stages, and resumed
each time until it finishes. Then the index and the dead letters are those of an undisturbed
load, and the embedding server has seen few texts twice.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
from elasticsearch import Elasticsearch, helpers

from es_hybrid.embedding.openai import _PROBE_TEXT
from es_hybrid.index.passport import CANARY_TEXTS
from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer
from tests.ingest.shell import Shell
from tests.reliability.killing import MOMENTS, NOTHING_LEFT, Point, run_until
from training.data import CHORUS

NO_PRODUCTS = {*CANARY_TEXTS, _PROBE_TEXT}

ROWS = 1_800
BATCH = 16
# Threads of the process: embedding.concurrency and ingest.bulk_concurrency.
WORKERS = 4 + 2
BAD = range(40, ROWS, 90)
# Early enough that a resumed load, which has less to do, reaches it too.
CALLS = {"read": 2, "look up": 2, "embed": 25, "bulk": 25, "dead letters": 2, "ledger": 2}


def feed() -> list[dict[str, Any]]:
    """Rows with every verdict: good, bad, and replaced by a later row of the same product."""
    rows: list[dict[str, Any]] = [
        {"id": f"P{n}", "title": f"Product number {n}", "price": n + 0.5} for n in range(ROWS)
    ]
    for n in range(600, ROWS, 130):
        rows[n] = {"id": f"P{n - 590}", "title": f"Product number {n - 590} again"}
    for n in BAD:
        rows[n]["price"] = "12,99"
    return rows


def digest(es: Elasticsearch, index: str) -> tuple[int, str]:
    """Number of documents and a hash over all (_id, _source, vector); null counts as absent."""
    es.indices.refresh(index=index)
    query = {"query": {"match_all": {}}, "_source": {"exclude_vectors": False}}
    documents = sorted(
        (hit["_id"], {name: value for name, value in hit["_source"].items() if value is not None})
        for hit in helpers.scan(es, index=index, query=query)
    )
    hashed = hashlib.sha256(orjson.dumps(documents, option=orjson.OPT_SORT_KEYS))
    return len(documents), hashed.hexdigest()


class Loaded(NamedTuple):
    """The results of a load.

    Attributes:
        letters: Id and reason of each dead letter.
        embedded: Texts that the server embedded.
    """

    digest: tuple[int, str]
    letters: list[tuple[str, str]]
    embedded: int
    kills: list[Point]

    def redone(self, untouched: Loaded) -> int:
        """Texts embedded again because of the kills."""
        return self.embedded - untouched.embedded


def load(
    node: EmbeddedNode,
    es: Elasticsearch,
    index: str,
    folder: Path,
    *points: Point,
    file: Path | None = None,
    status: int = 1,
) -> Loaded:
    """A load that is killed at each of the points that it reaches.

    Args:
        file: The feed; None for that of `feed`.
        status: Exit status of the run that finishes.
    """
    folder.mkdir()
    if file is None:
        file = folder / "feed.jsonl"
        file.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in feed()))
    begin, go_on = ("ingest", "load", str(file)), ("ingest", "resume")
    kills: list[Point] = []
    with EmbeddingServer() as server:
        shell = Shell.at(folder, node.url, index, server, EMBEDDING__BATCH_SIZE=str(BATCH))
        for point in points:
            if not run_until(shell, point, *(go_on if kills else begin)):
                break
            kills.append(point)
        else:
            finished = shell.run(*(go_on if kills else begin))
            over = finished.returncode == 2 and NOTHING_LEFT in finished.stderr
            assert finished.returncode == status or over, finished.stderr
        texts = [text for text in server.texts if text not in NO_PRODUCTS]
    rejected = folder / "es-hybrid.rejected.jsonl"
    lines = rejected.read_text().splitlines() if rejected.exists() else []
    letters = sorted((letter["id"], letter["reason"]) for letter in map(json.loads, lines))
    return Loaded(digest(es, index), letters, len(texts), kills)


def test_a_few_kills(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    untouched = load(node, es, f"{index_name}-a", tmp_path / "a")
    assert len(untouched.letters) == len(BAD)
    points = [
        Point("bulk", 20, "during"),
        Point("embed", 15, "after"),
        Point("dead letters", 1, "after"),
        Point("ledger", 1, "after"),
    ]
    killed = load(node, es, f"{index_name}-b", tmp_path / "b", *points)
    assert killed.kills == points
    assert (killed.digest, killed.letters) == (untouched.digest, untouched.letters)
    assert killed.redone(untouched) <= len(points) * WORKERS * BATCH


@pytest.mark.soak
def test_two_hundred_kills(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    dice = random.Random(2)
    untouched = load(node, es, f"{index_name}-0", tmp_path / "0")
    stages: Counter[str] = Counter()
    redone = number = 0
    while stages.total() < 200:
        number += 1
        points = [Point.drawn(dice, CALLS) for _ in range(10)]
        name = f"{index_name}-{number}"
        killed = load(node, es, name, tmp_path / str(number), *points)
        assert (killed.digest, killed.letters) == (untouched.digest, untouched.letters), points
        assert killed.redone(untouched) <= len(killed.kills) * WORKERS * BATCH
        redone += killed.redone(untouched)
        stages.update(f"{point.moment} {point.stage}" for point in killed.kills)
        print(f"{stages.total()} kills", flush=True)  # noqa: T201
        es.indices.delete(index=f"{name}-v0001")
    print(f"\n{stages.total()} kills of {number} loads, {redone} texts embedded twice: {stages}")  # noqa: T201
    assert len(stages) > 12


@pytest.mark.soak
@pytest.mark.skipif(not CHORUS.exists(), reason=f"{CHORUS} is not there")
def test_chorus_killed_twenty_times(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, tmp_path: Path
) -> None:
    dice, products = random.Random(19), CHORUS / "products.jsonl"
    untouched = load(node, es, f"{index_name}-a", tmp_path / "a", file=products, status=0)
    points = [
        Point(dice.choice(["embed", "bulk"]), dice.randint(5, 50), dice.choice(MOMENTS))
        for _ in range(20)
    ]
    killed = load(
        node,
        es,
        f"{index_name}-b",
        tmp_path / "b",
        *points,
        file=products,
        status=0,
    )
    print(f"\n{untouched.digest}; {len(killed.kills)} kills, embedded again: "  # noqa: T201
          f"{killed.redone(untouched)} of {untouched.embedded}")  # fmt: skip
    assert killed.kills == points
    assert killed.digest == untouched.digest
    assert killed.redone(untouched) <= len(points) * WORKERS * BATCH
