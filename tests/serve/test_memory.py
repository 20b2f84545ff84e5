"""A server under mixed load does not grow."""

from __future__ import annotations

import itertools
import json
import time

import pytest

from benchmarks.load_generator import generate
from benchmarks.servers import started
from benchmarks.watched_load import memory
from es_hybrid.node import EmbeddedNode

# Seconds: the short form shows that the test works, an hour that nothing leaks.
WARM_UP, SHORT, HOUR = 4.0, 6.0, 3600.0
# Generous for seconds; in an hour a leak of 1 kB a search would double the memory.
MOST = 1.10


@pytest.mark.parametrize("seconds", [SHORT, pytest.param(HOUR, marks=pytest.mark.soak)])
def test_a_server_under_mixed_load_does_not_grow(
    node: EmbeddedNode, catalogue: str, seconds: float
) -> None:
    """Searches whose texts never come again, facets, pages, shelves, a shop's own queries."""
    numbers = itertools.count()

    def requests() -> list[tuple[str, str]]:
        made: list[tuple[str, str]] = []
        for number in itertools.islice(numbers, 200):
            text = f"kettle number {number}"
            own = {"query": {"match": {"title": text}}}
            made += [
                ("/search", json.dumps({"text": text, "facets": ["brand"]})),
                ("/search", json.dumps({"text": text, "page": 2, "size": 5})),
                (f"/{catalogue}/_search", json.dumps(own)),
                (f"/{catalogue}/_search",
                 json.dumps({**own, "ext": {"es_hybrid": {"text": text}}})),
                ("/similar", json.dumps({"ids": ["KIT-002-en"]})),
            ]  # fmt: skip
        return made

    environment = {
        "ES_HYBRID_INDEX__NAME": catalogue,
        "ES_HYBRID_RERANK__ENABLED": "false",
        "ES_HYBRID_SEARCH__TIMEOUT_MS": "0",
        "ES_HYBRID_EMBEDDING__QUERY_CACHE": "100",
    }
    with started(node.url, environment=environment) as server:

        def load_for(duration: float) -> int:
            until, answered = time.monotonic() + duration, 0
            while time.monotonic() < until:
                answered += len(generate([server.url], requests(), connections=8, seconds=2.0))
            return answered

        load_for(WARM_UP)
        before = memory(server.pid)
        assert load_for(seconds) > 50
        assert memory(server.pid) < before * MOST
