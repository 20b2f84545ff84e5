"""Resident memory of `es-hybrid serve`: idle, after many hybrid searches, and with its page.

    python -m benchmarks.serve_memory [--searches 10000]

One server without a reranker and one with the bundled one, each in front of an embedded node with
5,000 products. `POST /search` at 16 connections, every query embedded anew by the embedded encoder
of the server. The page is then opened once at `/ui`. A ratio is the memory after all searches to
that after the first tenth of them, when every part has been used: 1 means that nothing grows.
"""

from __future__ import annotations

import json
from urllib.request import urlopen

from benchmarks.command import Options, parse_arguments
from benchmarks.load_generator import generate
from benchmarks.search import load
from benchmarks.servers import started
from benchmarks.watched_load import memory
from es_hybrid.settings import load_settings
from training.data import cluster

INDEX = "bench-serve-memory"
CONNECTIONS = 16
STEPS = 10
# Seconds of load between two looks at the number of searches.
SLICE = 2.0


def measure(name: str, url: str, queries: list[str], *, reranks: bool, options: Options) -> None:
    """Print a row for one server, and its ratio."""
    requests = [("/search", json.dumps({"text": query})) for query in queries]
    environment = {
        "ES_HYBRID_INDEX__NAME": INDEX,
        "ES_HYBRID_RERANK__ENABLED": str(reranks).lower(),
        "ES_HYBRID_SEARCH__TIMEOUT_MS": "0",
    }
    with started(url, environment=environment) as server:
        idle, sizes, done = memory(server.pid), list[float](), 0
        for step in range(1, STEPS + 1):
            while done < options.searches * step / STEPS:
                seconds = 0.1 if options.smoke else SLICE
                done += len(
                    generate([server.url], requests, connections=CONNECTIONS, seconds=seconds)
                )
            sizes.append(memory(server.pid))
        with urlopen(f"{server.url}/ui", timeout=120) as page:
            page.read()
        with_page = memory(server.pid)
    print(f"{name:<22}{idle:>8.0f}{sizes[0]:>14.0f}{done:>10,}{sizes[-1]:>8.0f}{with_page:>11.0f}")
    options.print_ratio(f"memory_{name.replace(' ', '_')}_end_vs_first_tenth", sizes[-1] / sizes[0])


def main() -> None:
    """Measure both servers."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        searches=(10_000, 20),
    )
    with cluster(options.url) as url:
        settings = load_settings(flags={"elasticsearch": {"url": url}, "index": {"name": INDEX}})
        queries = load(settings, options.products)
        titles = f"{'idle':>8}{'first tenth':>14}{'searches':>10}{'end':>8}{'with page':>11}"
        print(f"\n{'MiB':<22}{titles}")
        for name, reranks in (("without a reranker", False), ("with a reranker", True)):
            measure(name, url, queries, reranks=reranks, options=options)


if __name__ == "__main__":
    main()
