"""Limits and diversity: what a first page gains, what it loses, and what it costs.

    python -m benchmarks.spread

The judged queries of chorus-icecat, in English and in the five languages of queries.i18n.tsv, each
with limits of 1 to 3 per brand and with a diversity of 0.1 to 0.5. Of the first page: nDCG@10;
brands; and the share of hits whose title nearly repeats one above (four of five words in common).
Halves: settings are chosen on one and reported on the other. Milliseconds are those of whole
searches on one connection, all variants by turns. A smoke run uses the sample catalogue.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.quality import SAMPLE_SETS, SETS
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import MEASURES, mean, measure
from es_hybrid.evaluation.stages import run_of
from es_hybrid.retrieval.response import Hit
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from training.data import CHORUS, SAMPLE, cluster, load_products

VARIANTS: Mapping[str, dict[str, Any]] = {
    "none": {},
    **{f"limit_per brand={most}": {"limit_per": {"brand": most}} for most in (3, 2, 1)},
    **{f"diversity {tenths / 10}": {"diversity": tenths / 10} for tenths in range(1, 6)},
    "brand=3, diversity 0.2": {"limit_per": {"brand": 3}, "diversity": 0.2},
}
HALVES = ("chosen on", "reported")
# Words in common of two titles that are nearly the same.
_NEAR = 0.8

Page = Sequence[Hit]


def repeats(page: Page) -> float:
    """Share of the hits whose title nearly repeats one above."""
    titles = [frozenset(hit.product.title.lower().split()) for hit in page]
    near = [
        any(len(title & above) >= _NEAR * len(title | above) for above in titles[:place])
        for place, title in enumerate(titles)
    ]
    return statistics.fmean(near) if near else 0.0


def brands(page: Page) -> int:
    """Number of different brands."""
    return len({hit.product.brand for hit in page} - {""})


def figures(pages: Mapping[str, Page], qrels: Qrels, half: int) -> list[float]:
    """nDCG@10, brands and repeats of one half of the queries."""
    kept = dict(list(pages.items())[half::2])
    run = {id_: run_of(hit.id for hit in page) for id_, page in kept.items()}
    gained = measure(run, {id_: qrels[id_] for id_ in run}, {"nDCG@10": MEASURES["nDCG@10"]})
    return [
        mean(gained["nDCG@10"]),
        statistics.fmean(map(brands, kept.values())),
        statistics.fmean(map(repeats, kept.values())),
    ]


def report(
    name: str, shop: HybridSearch, queries: Sequence[Query], qrels: Qrels, options: Options
) -> None:
    """The table of one set of queries, and its ratios."""
    pages: dict[str, dict[str, Page]] = {variant: {} for variant in VARIANTS}
    times: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    for query in queries:
        shop.search(query.text)  # fills caches
        for variant, asked in VARIANTS.items():
            start = time.perf_counter()
            pages[variant][query.id] = shop.search(query.text, **asked).hits
            times[variant].append((time.perf_counter() - start) * 1000)
    print(f"\n{name}, {len(queries)} queries")
    print(f"{'':<24}" + "".join(f"{half:>33}" for half in HALVES))
    columns = f"{'nDCG@10':>13}{'brands':>10}{'repeats':>10}"
    print(f"{'':<24}{columns}{columns}{PERCENTILE_TITLES} ms")
    plain = [figures(pages["none"], qrels, half) for half in (0, 1)]
    for variant in VARIANTS:
        cells = ""
        for half in (0, 1):
            gain, different, near = figures(pages[variant], qrels, half)
            cells += f"{gain:>13.3f}{different:>10.2f}{near:>10.1%}"
        print(f"{variant:<24}{cells}{percentiles(times[variant])}")
        if variant != "none":
            label = "".join(each if each.isalnum() else "_" for each in f"{name} {variant}")
            gain = figures(pages[variant], qrels, 1)[0]
            options.print_ratio(f"spread_{label}_nDCG_10", gain / (plain[1][0] or 1.0))
            spent = statistics.median(times[variant]) / statistics.median(times["none"])
            options.print_ratio(f"spread_{label}_p50", spent)


def main() -> None:
    """Load, search, print the tables."""
    options = parse_arguments(__doc__, elasticsearch=True, queries=(1000, 8))
    whole = CHORUS.exists() and not options.smoke
    folder, sets = (CHORUS, SETS) if whole else (SAMPLE, SAMPLE_SETS)
    with cluster(options.url) as url:
        flags: dict[str, dict[str, Any]] = {
            "elasticsearch": {"url": url},
            "index": {"name": "bench-spread"},
            "rerank": {"enabled": False},
        }
        settings = load_settings(flags=flags)
        load_products(settings, folder / "products.jsonl")
        with HybridSearch.open(settings) as shop:
            for name, (asked, judged) in sets.items():
                qrels = read_qrels(folder / judged)
                queries = answerable(read_queries(folder / asked), qrels)[: options.queries]
                report(name, shop, queries, qrels, options)


if __name__ == "__main__":
    main()
