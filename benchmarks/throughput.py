"""Hybrid searches per second under load, compared with the bare `_msearch` of their two legs.

    python -m benchmarks.throughput [--products 5000] [--rounds 4] [--seconds 6]

The query vectors are in the bodies, so no side embeds. At 1, 16 and 64 connections, by turns:

- `_msearch`: both legs, 100 hits each with two fields of `_source`, sent to Elasticsearch directly;
- `serve`: the two legs as an `rrf` retriever through one `es-hybrid serve`, which answers with a
  fused page of ten, and through two, with half of the connections each;
- `AsyncHybridSearch`: the same bodies, in a process of its own.

Elasticsearch, the servers and the load generators share the machine, so CPU time that es-hybrid
uses is lost to Elasticsearch. A ratio is ours to the rival's: of searches per second the higher
the better, of p99 the lower. The node is warmed up under load, and then by searches one at a time
until they get no faster (`benchmarks.warming`). Products and queries are from chorus-icecat
(docs/data.md) if present, else from the sample catalogue.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentile, percentiles
from benchmarks.load_generator import generate, run_all
from benchmarks.search import load
from benchmarks.serve import INDEX, hybrid, legs
from benchmarks.servers import serving
from benchmarks.warming import until_steady
from es_hybrid.embedding import open_embedder
from es_hybrid.settings import load_settings
from training.data import cluster

CONNECTIONS = (1, 16, 64)
RIVAL = "_msearch"


class Measured(NamedTuple):
    """The responses of one side at one number of connections.

    Attributes:
        rate: Responses per second.
        times: Milliseconds of each.
    """

    rate: float
    times: list[float]


# Milliseconds of each response within so many seconds: connections, seconds -> times.
Side = Callable[[int, float], list[float]]


def with_vector(query: str, vector: list[float]) -> dict[str, Any]:
    """`hybrid`, with a vector instead of the text to embed."""
    body = hybrid(query)
    neighbours = body["retriever"]["rrf"]["retrievers"][1]["knn"]
    del neighbours["query_vector_builder"]
    neighbours["query_vector"] = vector
    return body


def as_lines(query: str, vector: list[float]) -> str:
    """The body of the rival's `_msearch`."""
    return "".join(f"{{}}\n{json.dumps(leg)}\n" for leg in legs(query, vector))


def sides(url: str, servers: Sequence[str], vectors: dict[str, list[float]]) -> dict[str, Side]:
    """The contenders by their names in the table."""
    bare = [(f"/{INDEX}/_msearch", as_lines(*each)) for each in vectors.items()]
    bodies = [json.dumps(with_vector(*each)) for each in vectors.items()]
    fused = [(f"/{INDEX}/_search", body) for body in bodies]

    def through(count: int) -> Side:
        return lambda connections, seconds: generate(
            servers[:count], fused, connections=connections, seconds=seconds
        )

    def in_process(connections: int, seconds: float) -> list[float]:
        command = [sys.executable, "-m", "benchmarks.async_searches", url]
        return run_all([[*command, str(connections), str(seconds)]], "\n".join(bodies))

    return {
        RIVAL: lambda connections, seconds: generate(
            [url], bare, connections=connections, seconds=seconds
        ),
        "serve": through(1),
        "serve, 2 processes": through(2),
        "AsyncHybridSearch": in_process,
    }


def measure(sides: dict[str, Side], connections: int, options: Options) -> dict[str, Measured]:
    """All sides by turns, without the first round."""
    times: dict[str, list[float]] = {name: [] for name in sides}
    for round_ in range(options.rounds + 1):
        for name, side in sides.items():
            if connections == 1 and "2 processes" in name:
                continue
            found = side(connections, options.seconds)
            times[name] += found if round_ else []
    whole = options.rounds * options.seconds
    return {name: Measured(len(spent) / whole, spent) for name, spent in times.items() if spent}


def report(connections: int, found: dict[str, Measured], options: Options) -> None:
    """Print the table of one number of connections, and its ratios."""
    print(f"\n{f'{connections} connections, ms':<24}{PERCENTILE_TITLES}{'per second':>12}")
    for name, one in found.items():
        print(f"{name:<24}{percentiles(one.times)}{one.rate:>12.1f}")
    rival = found[RIVAL]
    for name, one in found.items():
        if name != RIVAL:
            label = f"{name.replace(', ', '_').replace(' ', '_')}_{connections}_connections"
            options.print_ratio(
                f"searches_per_second_{label}",
                one.rate / rival.rate,
                ours=f"{one.rate:.0f}/s",
                rival=f"bare `_msearch` of the same legs: {rival.rate:.0f}/s",
            )
            slow = percentile(one.times, 99) / percentile(rival.times, 99)
            options.print_ratio(f"p99_{label}", slow)


def main() -> None:
    """Load, run all sides, print tables and ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        queries=(1000, 10),
        rounds=(4, 1),
        seconds=(6.0, 0.3),
        warmup=(20.0, 0.3),
        patience=(240.0, 0.0),
    )
    with cluster(options.url) as url, ExitStack() as opened:
        settings = load_settings(flags={"elasticsearch": {"url": url}, "index": {"name": INDEX}})
        queries = load(settings, options.products)[: options.queries]
        embedder = open_embedder(settings.embedding)
        vectors = {query: embedder.embed_query(query).tolist() for query in queries}
        servers = [opened.enter_context(serving(url)) for _ in range(2)]
        contending = sides(url, servers, vectors)
        for side in contending.values():
            side(CONNECTIONS[1], options.warmup / len(contending))

        def round_() -> float:
            names = (RIVAL, "serve")
            return sum(
                statistics.median(contending[name](1, options.warmup / 10)) for name in names
            )

        until_steady(round_, patience=options.patience)
        for connections in CONNECTIONS:
            report(connections, measure(contending, connections, options), options)


if __name__ == "__main__":
    main()
