"""A hybrid search whose query's vector is remembered, compared with one that embeds the query.

    python -m benchmarks.query_vectors [--products 5000] [--rounds 5]

Two `HybridSearch` over one embedded node, with the embedded encoder: one without a memory of query
vectors, as in every other benchmark, and one that remembers them all (`embedding.query_cache`).
Query by query in turn, once the node is warm (`benchmarks.warming`). Products
and queries are from chorus-icecat (docs/data.md) if present, else from the sample catalogue.
"""

from __future__ import annotations

import statistics

from benchmarks.command import parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.search import load, milliseconds, without_reranker
from benchmarks.warming import Times, when_warm
from es_hybrid.search import HybridSearch
from training.data import cluster


def main() -> None:
    """Load, search by turns, print the table and the ratio."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        products=(5000, 100),
        queries=(1000, 10),
        rounds=(5, 1),
        patience=(240.0, 0.0),
    )
    with cluster(options.url) as url:
        settings = without_reranker(url, "bench-query-vectors")
        queries = load(settings, options.products)[: options.queries]
        remembering = settings.with_(embedding={"query_cache": len(queries)})
        with HybridSearch.open(settings) as plain, HybridSearch.open(remembering) as shop:

            def round_(times: Times) -> float:
                for query in queries:
                    for name, side in (("embedded", plain), ("remembered", shop)):
                        spent = milliseconds(lambda s=side, q=query: s.search(q))  # type: ignore[misc]
                        times[name].append(spent)
                return statistics.median(times["embedded"])

            times = when_warm(round_, rounds=options.rounds, patience=options.patience)
    print(f"\n{'ms':<24}{PERCENTILE_TITLES}")
    for name, spents in times.items():
        print(f"{name:<24}{percentiles(spents)}")
    embedded, remembered = (statistics.median(times[name]) for name in ("embedded", "remembered"))
    options.print_ratio(
        "remembered_vs_embedded",
        remembered / embedded,
        ours=f"{remembered:.1f} ms",
        rival=f"embedded by the embedded encoder: {embedded:.1f} ms",
    )


if __name__ == "__main__":
    main()
