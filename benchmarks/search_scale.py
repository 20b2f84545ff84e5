"""Searches of 200,000 products in one shard and in five, and through one and two servers.

    python -m benchmarks.search_scale [--products 200000] [--real 5000] [--rounds 3]

The products are 5,000 of chorus-icecat (docs/data.md), else the sample catalogue, with seeded
variations of their words, prices and vectors (see `varied_products`). Both indices hold the same
documents with int8_hnsw vectors of 512 dims, as their segments are after the load: no merge is
forced. The settings are the defaults, without the reranker.

1. Hybrid searches, one at a time, each query by turns on both indices: milliseconds by stage, as
   the answers report them. Also the share of the first ten hits that both indices have in common.
2. The same searches as `POST /search` of the index of one shard, at 16 connections without a pause:
   all to one `es-hybrid serve`, and half each to two, by turns.
"""

from __future__ import annotations

import itertools
import json
import os
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import parallel_bulk
from elasticsearch.serializer import OrjsonSerializer

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.load_generator import generate
from benchmarks.servers import started
from benchmarks.varied_products import VariedProducts
from es_hybrid.embedding import open_embedder
from es_hybrid.evaluation.judgements import read_queries
from es_hybrid.index.lifecycle import create_index
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from es_hybrid.understanding.store import learn_vocabularies
from training.data import CHORUS, SAMPLE, cluster

INDICES = {1: "bench-search-scale-1", 5: "bench-search-scale-5"}
STAGES = ("embed", "understand", "elasticsearch", "total")
CONNECTIONS = 16


def settings_of(url: str, shards: int) -> Settings:
    """The settings of an index."""
    return load_settings(
        flags={
            "elasticsearch": {"url": url, "timeout": 120.0},
            "index": {"name": INDICES[shards], "shards": shards},
            "ingest": {"fields": {"gtin": "ean"}},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


def fill(client: Elasticsearch, url: str, options: Options) -> None:
    """Write the same products into both indices."""
    with (CHORUS if CHORUS.exists() else SAMPLE).joinpath("products.jsonl").open("rb") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, options.real)]
    settings = settings_of(url, 1)
    embedder = open_embedder(settings.embedding)
    products = VariedProducts.of(settings, rows, embedder)
    for shards, name in INDICES.items():
        client.indices.delete(index=name, ignore_unavailable=True)
        create_index(client, settings_of(url, shards), embedder)
    start = time.perf_counter()
    actions = (
        {"_index": name, **document}
        for document in products.documents(options.products)
        for name in INDICES.values()
    )
    for _ in parallel_bulk(client, actions, thread_count=2, chunk_size=500):
        pass
    embedder.close()
    for name in INDICES.values():
        client.indices.refresh(index=name)
        learn_vocabularies(client, name, vector_field=settings.index.vector_field)
        found = client.indices.stats(index=name, metric="docs,store,segments")["_all"]["total"]
        print(
            f"{name}: {found['docs']['count']:,} products, "
            f"{found['store']['size_in_bytes'] / 2**20:,.0f} MiB, "
            f"{found['segments']['count']} segments"
        )
    print(f"written in {time.perf_counter() - start:.0f} s, load average {_load()}", flush=True)


def by_stage(url: str, queries: Sequence[str], options: Options) -> None:
    """Print the milliseconds of each stage on both indices, and the ratio of their medians."""
    times: dict[int, dict[str, list[float]]] = {
        shards: {stage: [] for stage in STAGES} for shards in INDICES
    }
    common: list[float] = []
    with ExitStack() as opened:
        shops = {
            shards: opened.enter_context(HybridSearch.open(settings_of(url, shards)))
            for shards in INDICES
        }
        for round_ in range(options.rounds + 1):
            for query in queries:
                answers = {shards: shop.search(query) for shards, shop in shops.items()}
                if not round_:  # fills caches, warms the JVM
                    continue
                for shards, answer in answers.items():
                    if answer.degraded:
                        raise RuntimeError(f"{query!r}: {answer.degraded}")
                    for stage in STAGES:
                        times[shards][stage].append(answer.timings.get(stage, 0.0))
                first, other = ({hit.id for hit in answer.hits} for answer in answers.values())
                common.append(len(first & other) / max(len(first), 1))
    print(f"\n{len(common)} searches of each index, one at a time, load average {_load()}")
    print(f"{'shards':<8}{'stage':<16}{PERCENTILE_TITLES} ms")
    for shards, stages in times.items():
        for stage, spent in stages.items():
            print(f"{shards:<8}{stage:<16}{percentiles(spent)}")
    print(f"first ten hits in common: {statistics.fmean(common):.1%}")
    one, five = (statistics.median(times[shards]["total"]) for shards in INDICES)
    options.print_ratio("five_shards_to_one", five / one)


def many_at_once(url: str, queries: Sequence[str], options: Options) -> None:
    """Print searches per second through one and two servers, and their ratio."""
    variables = {
        "ES_HYBRID_INDEX__NAME": INDICES[1],
        "ES_HYBRID_RERANK__ENABLED": "false",
        "ES_HYBRID_SEARCH__TIMEOUT_MS": "0",
    }
    requests = [("/search", json.dumps({"text": query})) for query in queries]
    times: dict[int, list[float]] = {1: [], 2: []}
    with ExitStack() as opened:
        servers = [opened.enter_context(started(url, environment=variables)).url for _ in range(2)]
        for round_ in range(options.rounds + 1):
            for number, spent in times.items():
                found = generate(
                    servers[:number], requests, connections=CONNECTIONS, seconds=options.seconds
                )
                spent += found if round_ else []
    print(f"\nPOST /search, {CONNECTIONS} connections without a pause, load average {_load()}")
    print(f"{'servers':<10}{'per second':>12}{PERCENTILE_TITLES} ms")
    for number, spent in times.items():
        rate = len(spent) / options.rounds / options.seconds
        print(f"{number:<10}{rate:>12.1f}{percentiles(spent)}")
    options.print_ratio("searches_per_second_two_servers_to_one", len(times[2]) / len(times[1]))


def _load() -> str:
    return "/".join(f"{average:.1f}" for average in os.getloadavg())


def _queries() -> Iterator[str]:
    """Queries in the catalogue's languages."""
    folder = CHORUS if CHORUS.exists() else SAMPLE
    for name in ("queries.tsv", "queries.i18n.tsv"):
        if (folder / name).exists():
            yield from (query.text for query in read_queries(folder / name))


def main() -> None:
    """Load, search, print the tables and the ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(200_000, 300),
        real=(5000, 40),
        queries=(300, 8),
        rounds=(3, 1),
        seconds=(10.0, 0.5),
    )
    serializers: dict[str, Any] = {"application/json": OrjsonSerializer()}
    with (
        cluster(options.url, heap="2g") as url,
        Elasticsearch(url, request_timeout=600, serializers=serializers) as client,
    ):
        fill(client, url, options)
        queries = [*itertools.islice(_queries(), options.queries)]
        many_at_once(url, queries, options)
        by_stage(url, queries, options)


if __name__ == "__main__":
    main()
