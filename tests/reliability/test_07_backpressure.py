"""7. Backpressure: everything is written, also to a real cluster that is too busy or too small.

tests/ingest/load/test_run.py tests that memory does not grow with the input.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import chain

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from ingest.writing import AdaptiveLimit, BulkWriter, Patience, index_operation
from tests.fakes.elasticsearch import FaultyProxy, Forward
from tests.fakes.http import Answer

INDEX = "backpressure"
THREADS = 8


@pytest.mark.parametrize("per_thread", [120, pytest.param(2_000, marks=pytest.mark.soak)])
def test_all_lands_on_a_node_that_takes_little_at_once(
    fragile_node: EmbeddedNode, per_thread: int
) -> None:
    """Eight threads send 1.2 MB a request to a node that takes 700 kB a request, 1 MB in all."""
    seen: set[int] = set()

    def watch(path: str, body: bytes, ask: Forward) -> Answer | None:
        if "/_bulk" not in path:
            return None
        answer = ask(body)
        seen.add(answer.status)
        if answer.status == 200:
            seen.update(item["index"]["status"] for item in answer.json()["items"])
        return answer

    operations = [
        index_operation(str(n), {"title": "x" * 20_000}, version=1)
        for n in range(THREADS * per_thread)
    ]
    requests = [operations[start : start + 60] for start in range(0, len(operations), 60)]
    with (
        FaultyProxy(fragile_node.url, watch) as proxy,
        Elasticsearch(proxy.url, request_timeout=30) as client,
        ThreadPoolExecutor(THREADS) as threads,
    ):
        client.indices.delete(index=INDEX, ignore_unavailable=True)
        client.indices.create(index=INDEX, mappings={"enabled": False})
        limit = AdaptiveLimit(THREADS)
        writer = BulkWriter(client, INDEX, place="node", patience=Patience(120.0), limit=limit)
        outcomes = list(chain.from_iterable(threads.map(writer.send, requests)))
        client.indices.refresh(index=INDEX)
        assert client.count(index=INDEX)["count"] == len(operations)
    assert [outcome.operation for outcome in outcomes] == operations
    assert all(outcome.written for outcome in outcomes)
    assert {413, 429} <= seen, "the node was never too busy, or the requests never too large"
