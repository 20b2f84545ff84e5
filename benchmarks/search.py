"""A hybrid search against the bare `_msearch` of the same two legs.

    python -m benchmarks.search [--products 5000] [--rounds 5]

What es-hybrid adds to Elasticsearch's own time: building the bodies, fusing the legs, totals and
the response; and what it takes away, by asking the vector leg as a query where the index is one
shard. Query vectors are known beforehand, so embedding is in neither side. The rival sends the
same bodies with a `knn` section, built beforehand, through the same client and takes the decoded
answer. Products and queries are chorus-icecat's of ../shared/data where that is there, else the
sample catalogue's. Both run in turn, query by query, on one embedded node; the figure is the ratio
of the medians.
"""

from __future__ import annotations

import argparse
import itertools
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.embedding import Embedder, open_embedder
from es_hybrid.evaluation.judgements import read_queries
from es_hybrid.index.lifecycle import open_index
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.compile.shop import shop_plan
from es_hybrid.retrieval.engine import execute
from es_hybrid.retrieval.execution.abilities import Abilities
from es_hybrid.retrieval.needs import Call
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob

CHORUS = Path(__file__).parents[1] / "../shared/data/chorus-icecat"


class Known:
    """The embedder's own answers, looked up."""

    def __init__(self, embedder: Embedder, queries: Sequence[str]) -> None:
        self.identity = embedder.identity
        self.batch_size = embedder.batch_size
        self.concurrency = embedder.concurrency
        self._embedder = embedder
        self._vectors = {query: embedder.embed_query(query) for query in queries}

    def embed_documents(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """The canaries, with the first search."""
        return self._embedder.embed_documents(texts)

    def embed_query(self, text: str, *, timeout: float | None = None) -> NDArray[np.float32]:
        """The vector computed beforehand."""
        return self._vectors[text]

    def close(self) -> None:
        """Nothing to let go of."""


def load(settings: Settings, count: int) -> list[str]:
    """Load the first `count` products; returns the queries that belong to them."""
    sample = files("es_hybrid.data")
    with (
        as_file(sample.joinpath("products.jsonl")) as sample_products,
        as_file(sample.joinpath("queries.tsv")) as sample_queries,
        tempfile.TemporaryDirectory() as folder,
    ):
        products = CHORUS / "products.jsonl" if CHORUS.exists() else sample_products
        queries = CHORUS / "queries.tsv" if CHORUS.exists() else sample_queries
        first = Path(folder, "products.jsonl")
        with products.open(encoding="utf-8") as lines:
            first.write_text("".join(itertools.islice(lines, count)), encoding="utf-8")
        job = LoadJob.of(
            settings,
            [str(first)],
            file_format=None,
            mapping={},
            dead_letters=Path(folder, "rejected.jsonl"),
        )
        job.run(say=print, on_progress=lambda tally: None)
        print(f"{job.tally.rows} products of {products.parent.name}")
        return [query.text for query in read_queries(queries)]


def bodies_of(query: str, settings: Settings, client: Elasticsearch, known: Known) -> list[Any]:
    """The lines of the `_msearch` that a hybrid search for the query sends."""
    plan = shop_plan(
        SearchRequest(text=query),
        index=settings.index.name,
        passport=open_index(client, settings.index.name),
        settings=settings,
        reranks=False,
    )
    stages = execute(plan, abilities=Abilities(), execution="client")
    next(stages)
    need = stages.send(known.embed_query(query).tolist())
    assert isinstance(need, Call)
    assert isinstance(need.body, Sequence)
    return list(need.body)


def milliseconds(call: Callable[[], Any]) -> float:
    """Wall clock of one call."""
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def compare(
    shop: HybridSearch,
    client: Elasticsearch,
    searches: dict[str, list[Any]],
    rounds: int,
) -> tuple[list[float], list[float]]:
    """Milliseconds of each hybrid search and of each bare `_msearch`, the first round left out."""
    ours: list[float] = []
    bare: list[float] = []
    for round_ in range(rounds + 1):
        for query, parts in searches.items():
            pair = (
                milliseconds(lambda q=query: shop.search(q)),  # type: ignore[misc]
                milliseconds(lambda p=parts: client.msearch(searches=p)),  # type: ignore[misc]
            )
            if round_:
                ours.append(pair[0])
                bare.append(pair[1])
    return ours, bare


def report(name: str, times: Sequence[float]) -> None:
    """One line: median, p95 and p99."""
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:<14}{statistics.median(times):9.2f}{cuts[94]:9.2f}{cuts[98]:9.2f}")


def main() -> None:
    """Load, run both sides in turn, print the table and the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--products", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with EmbeddedNode() as node:
        settings = load_settings(
            flags={
                "elasticsearch": {"url": node.url},
                "index": {"name": "bench-search"},
                "rerank": {"enabled": False},
            }
        )
        queries = load(settings, options.products)
        known = Known(open_embedder(settings.embedding), queries)
        with Elasticsearch(node.url) as client:
            shop = HybridSearch(client, index="bench-search", embedder=known, settings=settings)
            searches = {query: bodies_of(query, settings, client, known) for query in queries}
            ours, bare = compare(shop, client, searches, options.rounds)
    print(f"\n{len(ours)} searches a side, ms{'median':>10}{'p95':>9}{'p99':>9}")
    report("hybrid search", ours)
    report("bare _msearch", bare)
    ratio = statistics.median(ours) / statistics.median(bare)
    print(f"\nRATIO hybrid_search_vs_bare_msearch {ratio:.3f}")


if __name__ == "__main__":
    main()
