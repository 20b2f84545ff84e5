"""Latency of a hybrid search compared with the bare `_msearch` of its two legs.

    python -m benchmarks.search [--products 5000] [--rounds 5]

Measures what es-hybrid adds to Elasticsearch's own time (building the bodies, fusing the legs,
totals and response), and what it saves: the legs return no documents, and on a one-shard index the
vector leg is a query. Query vectors are precomputed, so neither side embeds. The rival sends the
same legs, prebuilt, with documents and a `knn` section, through the same client, and decodes the
response. Products and queries are
from chorus-icecat (docs/data.md) if present, else from the sample catalogue. Both sides run in
turn, query by query, on one embedded node; the result is the ratio of the medians.

A third side is the same search with four signals, over made stock, margin and age, compared with
the search without.
"""

from __future__ import annotations

import itertools
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk, scan
from numpy.typing import NDArray

from benchmarks.command import parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.warming import Times, when_warm
from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.evaluation.judgements import read_queries
from es_hybrid.index.lifecycle import open_index
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.engine import execute
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from es_hybrid.understanding.meaning import Meaning
from training.data import CHORUS, SAMPLE, cluster, load_products

SIGNALS = [
    {"name": "in stock", "filter": {"stock": {"gt": 0}}, "weight": 0.2},
    {"field": "margin", "modifier": "sqrt", "weight": 0.1},
    {"field": "stock", "modifier": "log1p", "weight": 0.02},
    {"field": "released", "decay": "exp", "scale": "365d", "weight": 0.05},
]


class Known:
    """An embedder that has computed the query vectors beforehand."""

    def __init__(self, embedder: Embedder, queries: Sequence[str]) -> None:
        self.identity = embedder.identity
        self.batch_size = embedder.batch_size
        self.concurrency = embedder.concurrency
        self._embedder = embedder
        self._vectors = {query: embedder.embed_query(query) for query in queries}

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed the canaries, which the first search checks."""
        return self._embedder.embed_documents(texts)

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """The precomputed vector."""
        return self._vectors[text]

    def close(self) -> None:
        """Nothing to close."""


def without_reranker(url: str, index: str) -> Settings:
    """The settings of a search of one index, without a reranker."""
    return load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": index},
            "rerank": {"enabled": False},
        }
    )


def load(settings: Settings, count: int) -> list[str]:
    """Load the first `count` products; returns the texts of the catalogue's queries."""
    catalogue = CHORUS if CHORUS.exists() else SAMPLE
    with tempfile.TemporaryDirectory() as folder:
        first = Path(folder, "products.jsonl")
        with (catalogue / "products.jsonl").open(encoding="utf-8") as lines:
            first.write_text("".join(itertools.islice(lines, count)), encoding="utf-8")
        rows = load_products(settings, first, say=print)
    print(f"{rows} products of {catalogue.name}")
    return [query.text for query in read_queries(catalogue / "queries.tsv")]


def stock_up(client: Elasticsearch, index: str) -> None:
    """Give every product a stock, a margin and a date of release."""
    rng = random.Random(19)
    fields = {"stock": "integer", "margin": "double", "released": "date"}
    properties = {name: {"type": type_} for name, type_ in fields.items()}
    client.indices.put_mapping(index=index, properties=properties)
    made = (
        {
            "_op_type": "update",
            "_index": hit["_index"],
            "_id": hit["_id"],
            "doc": {
                "stock": rng.choice([0, 1, 5, 50]),
                "margin": rng.random(),
                "released": f"{rng.randint(2015, 2026)}-{rng.randint(1, 12):02}-01",
            },
        }
        for hit in [*scan(client, index=index, query={"_source": False})]
    )
    bulk(client, made, refresh=True)
    client.indices.forcemerge(index=index, max_num_segments=1)


def bodies_of(query: str, settings: Settings, client: Elasticsearch, known: Known) -> list[Any]:
    """The lines of the `_msearch` that a shop would send: the two legs, with their documents."""
    passport = open_index(client, settings.index.name)
    plan = shop_plan(
        SearchRequest(text=query), Meaning(query), settings.index.name, passport, settings, False
    )
    stages = execute(plan, Context(execution="client"))
    next(stages)
    need = stages.send(known.embed_query(query).tolist())
    assert isinstance(need, Call)
    assert isinstance(need.body, Sequence)
    headers, bodies = need.body[::2], need.body[1::2]
    legs = [{**body, **plan.fetch} for body in bodies]
    return [line for pair in zip(headers, legs, strict=True) for line in pair]


def milliseconds(call: Callable[[], Any]) -> float:
    """Wall-clock time of one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def compare(
    shop: HybridSearch,
    client: Elasticsearch,
    searches: dict[str, list[Any]],
    rounds: int,
    patience: float,
) -> Times:
    """Milliseconds of each hybrid search, bare `_msearch` and search with signals.

    Args:
        patience: See `until_steady`.
    """

    def round_(times: Times) -> float:
        for query, parts in searches.items():
            sides: dict[str, Callable[[], Any]] = {
                "hybrid search": lambda q=query: shop.search(q),  # type: ignore[misc]
                "bare _msearch": lambda p=parts: client.msearch(searches=p),  # type: ignore[misc]
                "with 4 signals": lambda q=query: shop.search(q, signals=SIGNALS),  # type: ignore[misc]
            }
            for name, side in sides.items():
                times[name].append(milliseconds(side))
        return statistics.median(times["hybrid search"])

    return when_warm(round_, rounds=rounds, patience=patience)


def report(name: str, times: Sequence[float]) -> None:
    """Print one line: p50, p90 and p99."""
    print(f"{name:<24}{percentiles(times)}")


def main() -> None:
    """Load, run both sides in turn, print the table and the ratio."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        queries=(1000, 10),
        rounds=(5, 1),
        patience=(240.0, 0.0),
    )
    with cluster(options.url) as url:
        settings = without_reranker(url, "bench-search")
        queries = load(settings, options.products)[: options.queries]
        known = Known(open_embedder(settings.embedding), queries)
        with Elasticsearch(url, request_timeout=120) as client:
            stock_up(client, "bench-search")
            shop = HybridSearch(client, index="bench-search", embedder=known, settings=settings)
            searches = {query: bodies_of(query, settings, client, known) for query in queries}
            times = compare(shop, client, searches, options.rounds, options.patience)
    count = len(times["hybrid search"])
    print(f"\n{f'ms, {count} searches each':<24}{PERCENTILE_TITLES}")
    for name, spent in times.items():
        report(name, spent)
    print()
    typical, rival, signals = map(statistics.median, times.values())
    options.print_ratio(
        "hybrid_search_vs_bare_msearch",
        typical / rival,
        ours=f"{typical:.1f} ms",
        rival=f"bare `_msearch` of the same legs: {rival:.1f} ms",
    )
    options.print_ratio("four_signals_vs_none", signals / typical)


if __name__ == "__main__":
    main()
