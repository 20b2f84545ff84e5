"""Brands, colours, sizes and categories that queries name, and what understanding them is worth.

    python -m benchmarks.forgiving_values

The rival is the same search without conditions. Catalogues are chorus-icecat and oracle-oe in
docs/data.md, and the sample catalogue; a smoke run uses the sample catalogue alone.

- named: phrases made from templates and the catalogues' own values (`value_phrases`). The rules
  were developed on one half of the templates; the failures of the other were not looked at.
- plain: all queries of all data sets. Filters found in them are printed to be read.
- judged: nDCG@10 of the judged queries, which must not fall
- wanted: nDCG@10 of made queries such as `nike running shoes`, for which the products of that
  brand, or colour, and category are relevant
- time: searches that name nothing, with and without, by turns
"""

from __future__ import annotations

import random
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.forgiving import timed
from benchmarks.value_phrases import is_right, phrases, understood
from es_hybrid.client import connect
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import measure
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.index.document import from_document
from es_hybrid.index.pages import read_hits
from es_hybrid.records import Product
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from es_hybrid.understanding.store import learn_vocabularies
from es_hybrid.understanding.vocabulary import Vocabulary
from training.data import DATA, SAMPLE, cluster, judged_data, load_products

SEED = 18
SIDES = {"plain words": False, "understood": True}
NDCG = "nDCG@10"
HALVES = ("chosen on", "held out")


class Catalogue(NamedTuple):
    """A loaded data set, searched in two ways."""

    name: str
    sides: Mapping[str, HybridSearch]
    judged: Mapping[str, tuple[Sequence[Query], Qrels]]
    products: Sequence[Product]
    vocabulary: Vocabulary


def opened(name: str, folder: Path, url: str, stack: ExitStack) -> Catalogue:
    """Load a data set and open both searches."""
    sections = {"elasticsearch": {"url": url}, "index": {"name": f"bench-values-{name}"}}
    settings = [
        load_settings(flags={**sections, "search": {"conditions": conditions}})
        for conditions in SIDES.values()
    ]
    load_products(settings[0], folder / "products.jsonl")
    index = settings[0].index
    with connect(settings[0].elasticsearch) as client:
        learned = learn_vocabularies(client, index.name, vector_field=index.vector_field)
        hits = read_hits(client, index.name, size=1000, source_excludes=[index.vector_field])
        products = [from_document(hit["_id"], hit["_source"]) for hit in hits]
    return Catalogue(
        name,
        {
            side: stack.enter_context(HybridSearch.open(each))
            for side, each in zip(SIDES, settings, strict=True)
        },
        dict(_judged(folder)),
        products,
        next(iter(learned.values())),
    )


def _judged(folder: Path) -> Iterator[tuple[str, tuple[list[Query], Qrels]]]:
    for path in sorted(folder.glob("queries*.tsv")):
        judgements = path.name.replace("queries", "qrels").replace(".tsv", ".txt")
        if not path.with_name(judgements).exists():
            continue
        qrels = read_qrels(path.with_name(judgements))
        queries = [each for each in read_queries(path) if len(each.text) <= 100]
        yield path.stem.removeprefix("queries"), (answerable(queries, qrels), qrels)


def report_named(vocabulary: Vocabulary, options: Options) -> None:
    """How many of the made phrases are understood exactly."""
    made = phrases(vocabulary, count=options.phrases, seed=SEED)
    for held_out, name in ((False, "seen"), (True, "held out")):
        half = [phrase for phrase in made if phrase.held_out == held_out]
        wrong = [phrase for phrase in half if not is_right(phrase, vocabulary)]
        print(f"{name} templates: {len(half) - len(wrong)} of {len(half)} right")
        for phrase in wrong:
            found = [(each.kind, each.text) for each in understood(phrase.query, vocabulary)[1]]
            print(f"    {phrase.query}: {dict(phrase.named)}, found {found}")
        options.print_ratio(f"values_named_{name.replace(' ', '_')}", 1 - len(wrong) / len(half))


def report_plain(catalogues: Sequence[Catalogue], options: Options) -> None:
    """What is understood in plain queries, and the time it takes."""
    paths = (SAMPLE / "queries.tsv", *sorted(DATA.glob("*/queries*.tsv")))
    queries = [query.text for path in paths for query in read_queries(path)][: options.plain]
    filters = 0
    for catalogue in catalogues:
        vocabulary = catalogue.vocabulary
        began = time.perf_counter()
        found = [(query, understood(query, vocabulary)[1]) for query in queries]
        took = (time.perf_counter() - began) / len(queries) * 1000
        kinds: Counter[str] = Counter()
        for query, conditions in found:
            for each in conditions:
                kinds[f"{each.kind} {each.effect}"] += 1
                if each.effect == "filter":
                    filters += 1
                    print(f"    {each.text}, in: {query}")
        print(f"plain, {catalogue.name}: {dict(kinds)} in {len(queries)}, {took:.3f} ms each")
    options.print_ratio("plain_queries_filtered", filters / len(queries) / len(catalogues))


def report_judged(catalogues: Sequence[Catalogue], options: Options) -> None:
    """The table of judged queries."""
    print(f"\n{'judged':<24}{'queries':>8}{'plain words':>13}{'understood':>12}{'changed':>9}")
    halves: list[list[tuple[float, float]]] = [[], []]
    for catalogue in catalogues:
        for name, (queries, qrels) in catalogue.judged.items():
            rows = ndcg(catalogue, queries[: options.judged], qrels)
            print_row(f"{catalogue.name}{name}", rows)
            for half in (0, 1):
                halves[half] += rows[half::2]
    for half, name in enumerate(HALVES):
        print_row(name, halves[half])
    options.print_ratio("judged_change", _mean(halves[1], 1) - _mean(halves[1], 0))


def report_wanted(catalogues: Sequence[Catalogue], options: Options) -> None:
    """The table of queries for products with certain values."""
    print(f"\n{'wanted':<24}{'queries':>8}{'plain words':>13}{'understood':>12}{'changed':>9}")
    halves: list[list[tuple[float, float]]] = [[], []]
    for catalogue in catalogues:
        for kind in ("brand", "colour"):
            queries, qrels = wanted(catalogue, kind, count=options.wanted)
            rows = ndcg(catalogue, queries, qrels)
            print_row(f"{catalogue.name} {kind}", rows)
            for half in (0, 1):
                halves[half] += rows[half::2]
    for half, name in enumerate(HALVES):
        print_row(name, halves[half])
    options.print_ratio("wanted_vs_plain", _mean(halves[1], 1) / _mean(halves[1], 0))


def wanted(catalogue: Catalogue, kind: str, *, count: int) -> tuple[list[Query], Qrels]:
    """Queries of a brand or colour and a category, and the products that have both."""
    having: dict[tuple[str, str], set[str]] = defaultdict(set)
    for product in catalogue.products:
        if kind == "brand":
            values = [product.brand]
        else:
            colours = [product.attributes.get(name) for name in ("colour", "product_colour")]
            values = [each for each in colours if isinstance(each, str)]
        for value in values:
            if value and product.category and not product.category[-1].isdigit():
                having[value, product.category[-1]].add(product.id)
    pairs = sorted(having)
    chosen = random.Random(SEED).sample(pairs, min(count, len(pairs)))
    queries = [Query(f"{n}", f"{value} {name}".lower()) for n, (value, name) in enumerate(chosen)]
    qrels = {f"{n}": dict.fromkeys(having[pair], 1) for n, pair in enumerate(chosen)}
    return queries, qrels


def ndcg(catalogue: Catalogue, queries: Sequence[Query], qrels: Qrels) -> list[tuple[float, float]]:
    """nDCG@10 of each query on both sides."""
    columns = []
    for shop in catalogue.sides.values():
        run = run_queries(shop, queries, mode="hybrid", rerank=False)
        values = measure(run, qrels)[NDCG]
        columns.append([values[query.id] for query in queries])
    return list(zip(*columns, strict=True))


def print_row(name: str, rows: Sequence[tuple[float, float]]) -> None:
    """One row: number of queries, nDCG@10 on both sides, and how many differ."""
    changed = sum(one != other for one, other in rows)
    print(f"{name:<24}{len(rows):>8}{_mean(rows, 0):>13.4f}{_mean(rows, 1):>12.4f}{changed:>9}")


def report_time(catalogue: Catalogue, options: Options) -> None:
    """The time of searches that name nothing."""
    queries, _ = next(iter(catalogue.judged.values()))
    texts = [each.text for each in queries if not understood(each.text, catalogue.vocabulary)[1]]
    times = timed(catalogue.sides, texts, options.rounds)
    medians = [statistics.median(spent) for spent in times.values()]
    print(f"\n{'ms, nothing named':<24}{PERCENTILE_TITLES}")
    for side, spent in times.items():
        print(f"{side:<24}{percentiles(spent)}")
    options.print_ratio("time_nothing_named", medians[1] / medians[0])


def main() -> None:
    """Load, search, print the tables and the ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        phrases=(200, 12),
        plain=(10_000, 50),
        judged=(400, 5),
        wanted=(100, 4),
        rounds=(5, 1),
    )
    data = judged_data(smoke=options.smoke)
    with cluster(options.url) as url, ExitStack() as stack:
        catalogues = [opened(name, folder, url, stack) for name, folder in data.items()]
        vocabulary = catalogues[-1].vocabulary
        if len(catalogues) > 1:
            vocabulary |= catalogues[0].vocabulary
        report_named(vocabulary, options)
        report_plain(catalogues, options)
        report_judged(catalogues, options)
        report_wanted(catalogues, options)
        report_time(catalogues[0], options)


def _mean(rows: Sequence[tuple[float, float]], at: int) -> float:
    return statistics.fmean(row[at] for row in rows) if rows else 0.0


if __name__ == "__main__":
    main()
