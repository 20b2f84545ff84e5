"""Events: the time that they add to a search.

    python -m benchmarks.events [--queries 68] [--products 1000] [--rounds 5]

- search: a hybrid search, its query embedded by the bundled encoder, with every search recorded
  and with events off: one process, one cluster that also takes the events. Each query is asked of
  both, one directly after the other, and who comes first alternates. So both sides share what the
  background thread does, which is the other line.
- a batch: what the thread does with all events of five seconds in a shop with 20 searches a second.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import orjson

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES
from benchmarks.rules import report
from benchmarks.search import load, milliseconds
from es_hybrid.client import connect
from es_hybrid.events.stream import EventStream
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import cluster

INDEX = "bench-events"
STREAM = "es-hybrid-events-bench"
BATCH = 100


def searches(
    on: HybridSearch, off: HybridSearch, queries: Sequence[str], rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds with and without events, without the first round."""
    times: dict[HybridSearch, list[float]] = {on: [], off: []}
    for round_ in range(rounds + 1):
        for number, query in enumerate(queries):
            for shop in (on, off) if (round_ + number) % 2 else (off, on):
                taken = milliseconds(lambda s=shop, q=query: s.search(q))  # type: ignore[misc]
                if round_:
                    times[shop].append(taken)
    return times[on], times[off]


def batches(settings: Settings, count: int) -> list[float]:
    """Milliseconds to write batches of events that the searches made."""
    client = connect(settings.elasticsearch)
    client.indices.refresh(index=STREAM)
    hits = client.search(index=STREAM, size=BATCH)["hits"]["hits"]
    client.close()
    lines = [orjson.dumps(hit["_source"]) for hit in hits]
    lines = (lines * BATCH)[:BATCH]
    stream = EventStream(settings)
    times = [milliseconds(lambda: stream.write(lines)) for _ in range(count + 1)]
    stream.close()
    return times[1:]  # the first one connects


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
    with HybridSearch.open(settings) as on, HybridSearch.open(silent) as off:
        having, without = searches(on, off, queries, options.rounds)
    batch = batches(settings, 10 * options.rounds)
    print(f"\n{'ms':<24}{'count':>8}{PERCENTILE_TITLES}")
    report("search with events", having)
    report("search without", without)
    report(f"a batch of {BATCH} events", batch)
    print()
    options.print_ratio("events_on_off", statistics.median(having) / statistics.median(without))
    options.print_ratio("events_batch_ms", statistics.median(batch))


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
