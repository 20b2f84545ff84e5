"""Events: the time that they add to a search.

    python -m benchmarks.events [--queries 68] [--products 1000] [--rounds 5]

A hybrid search, its query embedded by the bundled encoder, with every search recorded and with
events off: one process, one cluster that also takes the events, all queries with events and then
all without, in turn. Between the two, what waits is written.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

from benchmarks.command import Options, parse_arguments
from benchmarks.rules import report
from benchmarks.search import load, milliseconds
from es_hybrid.client import connect
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from training.data import cluster

INDEX = "bench-events"
STREAM = "es-hybrid-events-bench"
# Seconds after which the recorder has written what it gathered.
WRITTEN = 3.0


def times(shop: HybridSearch, queries: Sequence[str]) -> list[float]:
    """Milliseconds of each search."""
    return [
        milliseconds(lambda q=query: shop.search(q))  # type: ignore[misc]
        for query in queries
    ]


def measure(url: str, options: Options) -> None:
    """Load products, and print the table and the ratio."""
    settings = load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": INDEX},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
            "events": {"enabled": True, "stream": STREAM, "hash_key": "a key for a benchmark"},
        }
    )
    silent = settings.with_(events={"enabled": False})
    queries = load(silent, options.products)[: options.queries]
    having: list[float] = []
    without: list[float] = []
    with HybridSearch.open(settings) as on, HybridSearch.open(silent) as off:
        for shop in (on, off):
            times(shop, queries)  # caches fill
        for _ in range(options.rounds):
            time.sleep(WRITTEN)
            having += times(on, queries)
            time.sleep(WRITTEN)
            without += times(off, queries)
    client = connect(settings.elasticsearch)
    client.indices.refresh(index=STREAM)
    written = client.count(index=STREAM)["count"]
    client.close()
    print(f"\n{'ms':<24}{'queries':>8}{'p50':>9}{'p90':>9}{'p99':>9}")
    report("search with events", having)
    report("search without", without)
    print(f"events in the stream: {written:,}\n")
    options.print_ratio("events_on_off", statistics.median(having) / statistics.median(without))


def main() -> None:
    """Measure on the given cluster, or on a fresh node."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        queries=(68, 5),
        products=(1000, 100),
        rounds=(5, 1),
    )
    with cluster(options.url) as url:
        measure(url, options)


if __name__ == "__main__":
    main()
