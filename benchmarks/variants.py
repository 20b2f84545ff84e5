"""Pages of products with variants: how full they are, and what they cost.

    python -m benchmarks.variants

200 made products in 30 variants each, and 600 products without variants. The plain search shows
variants; the grouped one each product once. Both are asked by turns for the first page of every
query. Then all pages of the grouped search are read: each must be full, show no product twice, and
all of them must add up to the total of every page.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.made_variants import GROUP, made_rows
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from training.data import cluster, load_products

INDEX = "bench-variants"
SIZE = 10
QUERIES = (
    "red shirt", "linen", "wool sweater for winter", "jacket", "blue denim jacket", "dress",
    "something warm", "silk", "black hemp skirt", "cotton shirt",
)  # fmt: skip


def timed(ask: Callable[[], SearchResponse]) -> tuple[SearchResponse, float]:
    """The answer, and milliseconds."""
    start = time.perf_counter()
    answer = ask()
    return answer, (time.perf_counter() - start) * 1000


def groups_on(response: SearchResponse) -> list[str]:
    """The product of each hit."""
    return [hit.source.get("attributes", {}).get("parent", hit.id) for hit in response.hits]


def read_pages(shop: HybridSearch, query: str) -> tuple[int, list[float]]:
    """Read every page; returns the number of products, and milliseconds of each page.

    Raises:
        AssertionError: a page is not full, or a product is on two pages or none.
    """
    seen: list[str] = []
    times: list[float] = []
    page, pages, total = 1, 1, 0
    while page <= pages:
        ask: dict[str, Any] = {"collapse": GROUP, "size": SIZE, "page": page}
        answer, spent = timed(lambda ask=ask: shop.search(query, **ask))  # type: ignore[misc]
        pages, total = answer.pages, answer.total
        assert len(answer.hits) == SIZE or page == pages, (query, page, len(answer.hits))
        seen += groups_on(answer)
        times.append(spent)
        page += 1
    assert len(set(seen)) == len(seen) == total, (query, len(seen), total)
    return total, times


def print_times(name: str, times: list[float]) -> None:
    """A row of the table."""
    print(f"{name:<24}{len(times):>8}{percentiles(times)}")


def measure(shop: HybridSearch, options: Options) -> None:
    """Print the table and the ratios."""
    plain: list[float] = []
    grouped: list[float] = []
    counts: list[int] = []
    for number in range(options.rounds + 1):
        for query in QUERIES:
            answer, spent = timed(lambda query=query: shop.search(query, size=SIZE))  # type: ignore[misc]
            counts.append(len(set(groups_on(answer))))
            once, spent_grouped = timed(
                lambda query=query: shop.search(query, size=SIZE, collapse=GROUP)  # type: ignore[misc]
            )
            assert len(set(groups_on(once))) == len(once.hits)
            if number:  # the first round warms up
                plain.append(spent)
                grouped.append(spent_grouped)
    totals, deep = [], []
    for query in QUERIES:
        total, times = read_pages(shop, query)
        totals.append(total)
        deep += times
    print(f"{'milliseconds':<24}{'asked':>8}{PERCENTILE_TITLES}")
    print_times("plain, page 1", plain)
    print_times("grouped, page 1", grouped)
    print_times("grouped, every page", deep)
    print(f"\nproducts on a plain page of {SIZE}: {statistics.fmean(counts):.1f}")
    print(f"products of a query, all pages full: {min(totals)} to {max(totals)}")
    options.print_ratio(
        "grouped_page_cost_p50", statistics.median(grouped) / statistics.median(plain)
    )
    options.print_ratio("every_page_cost_p50", statistics.median(deep) / statistics.median(plain))
    options.print_ratio("products_per_plain_page", statistics.fmean(counts))


def main() -> None:
    """Load the products, ask, print."""
    options = parse_arguments(__doc__, elasticsearch=True, products=(200, 12), rounds=(20, 1))
    with cluster(options.url) as url, tempfile.TemporaryDirectory() as folder:
        sections: dict[str, Any] = {
            "elasticsearch": {"url": url},
            "index": {"name": INDEX},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
        settings = load_settings(flags=sections)
        source = Path(folder, "products.jsonl")
        rows = (json.dumps(row) + "\n" for row in made_rows(options.products))
        source.write_text("".join(rows), encoding="utf-8")
        load_products(settings, source)
        with HybridSearch.open(settings) as shop:
            measure(shop, options)


if __name__ == "__main__":
    main()
