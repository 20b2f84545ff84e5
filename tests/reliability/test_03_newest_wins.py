"""3. The newest version wins, and replays are harmless, in any order."""

from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from ingest.writing import AdaptiveLimit, BulkWriter, Operation, Patience, index_operation
from tests.ingest.conftest import Shop

VERSIONS = (1, 2, 3)
# Every version of a document is sent twice.
PRODUCTS_A_TRIAL = 5
THREADS = 4


def _replay(trial: int) -> list[Operation]:
    return [
        index_operation(f"{trial}-{number}", {"v": version}, version=version)
        for number in range(PRODUCTS_A_TRIAL)
        for version in VERSIONS * 2
    ]


@pytest.mark.parametrize("orders", [30, pytest.param(1_000, marks=pytest.mark.soak)])
def test_random_orders_and_replays_end_at_the_highest_version(
    es: Elasticsearch, index_name: str, orders: int
) -> None:
    """Four threads write a quarter of each order at the same time."""
    dice = random.Random(orders)
    limit = AdaptiveLimit(THREADS)
    writer = BulkWriter(es, index_name, place="node", patience=Patience(60.0), limit=limit)
    ends: dict[str, int] = {"written": 0, "superseded": 0}
    with ThreadPoolExecutor(THREADS) as threads:
        for trial in range(orders):
            replay = _replay(trial)
            dice.shuffle(replay)
            for outcomes in threads.map(writer.send, (replay[n::THREADS] for n in range(THREADS))):
                for outcome in outcomes:
                    assert outcome.written or outcome.superseded
                    ends["written" if outcome.written else "superseded"] += 1
    assert sum(ends.values()) == orders * PRODUCTS_A_TRIAL * len(VERSIONS) * 2
    assert ends["superseded"] > orders, "hardly anything came out of order"
    es.indices.refresh(index=index_name)
    newest = es.count(index=index_name, query={"term": {"v": max(VERSIONS)}})["count"]
    assert newest == es.count(index=index_name)["count"] == orders * PRODUCTS_A_TRIAL


@pytest.mark.parametrize("orders", [4, pytest.param(100, marks=pytest.mark.soak)])
def test_feeds_with_versions_may_be_loaded_in_any_order(open_shop: Any, orders: int) -> None:
    """A shop's exports with each product's versions at random places, one of them sent twice."""
    dice = random.Random(orders)
    shop: Shop = open_shop(ingest={"fields": {"version": "revision"}})
    for order in range(orders):
        rows = [
            {"id": f"{order}-{number}", "title": f"revision {revision}", "revision": revision}
            for number in range(20)
            for revision in VERSIONS
        ]
        dice.shuffle(rows)
        for export in (rows[:20], rows[20:40], rows[40:], rows[:20]):
            tally = shop.load(export)
            assert (tally.ended, tally.rejected) == (len(export), 0)
    titles = [document["title"] for document in shop.stored().values()]
    assert titles == [f"revision {max(VERSIONS)}"] * 20 * orders
