"""What a search forgives: misspelt, joined and split words.

    python -m benchmarks.forgiving

The rival is the same search that takes every word as typed (`search.spelling` off). Queries are
made by seeded scripts from the judged queries and the titles of chorus-icecat and oracle-oe in
docs/data.md, and of the sample catalogue; a smoke run uses the sample catalogue alone. Each set
is split in two: settings were chosen on the first half, the second half is reported as well.

- misspelt: one wrong letter in one word, nDCG@10 as a share of that of the right query
- right: the queries without the mistake, which must not change
- joined: pairs of words as one, words as two or with a hyphen; Recall@100 of the products whose
  titles have the words as they should be
- time: searches whose words are all known, with and without correction, by turns
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import orjson

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from benchmarks.misspelt import Joined, Misspelt, joined, misspelt
from es_hybrid.client import connect
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import mean, measure
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from es_hybrid.understanding.store import learn_vocabularies
from training.data import CHORUS, cluster, judged_data, load_products

SEED = 18
SIDES = {"as typed": False, "corrected": True}
# Languages of the made queries; those of chorus-icecat are English.
LANGUAGES = ("de", "en", "es", "fr", "ru", "ar")
NDCG = "nDCG@10"
HALVES = ("chosen on", "held out")


class Catalogue(NamedTuple):
    """A loaded data set, searched in two ways."""

    name: str
    sides: Mapping[str, HybridSearch]
    queries: Sequence[Query]
    qrels: Qrels
    known: Mapping[str, int]
    titles: Mapping[str, str]


def opened(name: str, folder: Path, url: str, stack: ExitStack) -> Catalogue:
    """Load a data set and open both searches."""
    sections = {"elasticsearch": {"url": url}, "index": {"name": f"bench-forgiving-{name}"}}
    settings = [
        load_settings(flags={**sections, "search": {"spelling": spelling}})
        for spelling in SIDES.values()
    ]
    load_products(settings[0], folder / "products.jsonl")
    queries, qrels = read_queries(folder / "queries.tsv"), read_qrels(folder / "qrels.txt")
    lines = (folder / "products.jsonl").read_bytes().splitlines()
    products = [orjson.loads(line) for line in lines]
    return Catalogue(
        name,
        {
            side: stack.enter_context(HybridSearch.open(each))
            for side, each in zip(SIDES, settings, strict=True)
        },
        [query for query in answerable(queries, qrels) if len(query.text) <= 100],
        qrels,
        known_words(settings[0]),
        {product["id"]: product["title"] for product in products},
    )


def known_words(settings: Settings) -> Mapping[str, int]:
    """The words of the index, and how many products use each."""
    with connect(settings.elasticsearch) as client:
        learned = learn_vocabularies(
            client, settings.index.name, vector_field=settings.index.vector_field
        )
    return next(iter(learned.values())).counts


def by_language(catalogues: Sequence[Catalogue]) -> Iterator[tuple[Catalogue, str, list[Query]]]:
    """The queries of each catalogue and language."""
    for catalogue in catalogues:
        for lang in LANGUAGES:
            queries = [each for each in catalogue.queries if (each.lang or "en") == lang]
            if queries:
                yield catalogue, lang, queries


def ndcg(catalogue: Catalogue, side: str, asked: Sequence[Misspelt]) -> list[float]:
    """nDCG@10 of each query."""
    queries = [Query(f"{number}", each.text) for number, each in enumerate(asked)]
    qrels = {f"{number}": catalogue.qrels[each.id] for number, each in enumerate(asked)}
    run = run_queries(catalogue.sides[side], queries, mode="hybrid", rerank=False)
    values = measure(run, qrels)[NDCG]
    return [values[query.id] for query in queries]


def report_misspelt(catalogues: Sequence[Catalogue], options: Options) -> None:
    """The table of misspelt and right queries."""
    print(
        f"\n{'misspelt':<22}{'queries':>8}{'right':>9}{'as typed':>10}{'corrected':>11}{'share':>8}"
    )
    groups = list(by_language(catalogues))
    shares: list[tuple[float, float, float]] = []
    for catalogue, lang, queries in groups:
        made = misspelt(queries, catalogue.known, count=options.misspelt // len(groups), seed=SEED)
        right = {each.id: Misspelt(each.id, each.text) for each in queries}
        columns = [
            ndcg(catalogue, "as typed", [right[each.id] for each in made]),
            ndcg(catalogue, "as typed", made),
            ndcg(catalogue, "corrected", made),
        ]
        rows = list(zip(*columns, strict=True))
        shares += rows
        print_shares(f"{catalogue.name} {lang}", rows)
    for half, name in enumerate(HALVES):
        print_shares(name, shares[half::2])
    held_out = shares[1::2]
    options.print_ratio("misspelt_share_of_right", _total(held_out, 2) / _total(held_out, 0))
    options.print_ratio("misspelt_vs_as_typed", _total(held_out, 2) / _total(held_out, 1))


def print_shares(name: str, rows: Sequence[tuple[float, float, float]]) -> None:
    """One row: nDCG@10 of the right query, of the misspelt one as typed, and corrected."""
    right, typed, fixed = (_total(rows, at) / max(len(rows), 1) for at in range(3))
    share = fixed / right if right else 1.0
    print(f"{name:<22}{len(rows):>8}{right:>9.3f}{typed:>10.3f}{fixed:>11.3f}{share:>8.1%}")


def report_right(catalogues: Sequence[Catalogue], options: Options) -> None:
    """The table of right queries, in the languages of the catalogue and in others."""
    print(f"\n{'right':<22}{'queries':>8}{'as typed':>10}{'corrected':>11}{'changed':>9}")
    worst = 0.0
    for catalogue in catalogues:
        asked = {"": (catalogue.queries, catalogue.qrels)}
        if catalogue.name == "chorus":
            queries, qrels = (CHORUS / f"{name}.i18n" for name in ("queries", "qrels"))
            i18n = read_qrels(qrels.with_suffix(".i18n.txt"))
            asked[" translated"] = (
                answerable(read_queries(queries.with_suffix(".i18n.tsv")), i18n),
                i18n,
            )
        for name, (queries_, qrels_) in asked.items():
            sample = queries_[: options.right]
            means = {}
            for side, shop in catalogue.sides.items():
                run = run_queries(shop, sample, mode="hybrid", rerank=False)
                means[side] = mean(measure(run, qrels_)[NDCG])
            shop = catalogue.sides["corrected"]
            changed = [query for query in sample if shop.search(query.text, size=1).corrected]
            worst = max(worst, means["as typed"] - means["corrected"])
            figures = "".join(
                f"{value:>{width}.3f}"
                for value, width in zip(means.values(), (10, 11), strict=True)
            )
            print(f"{catalogue.name + name:<22}{len(sample):>8}{figures}{len(changed):>9}")
            for query in changed:
                print(f"    {query.text}  ->  {shop.search(query.text, size=1).corrected}")
    options.print_ratio("right_queries_largest_loss", worst)


def report_joined(catalogues: Sequence[Catalogue], options: Options) -> None:
    """The table of joined and split words."""
    print(f"\n{'joined':<22}{'queries':>8}{'as typed':>10}{'corrected':>11}")
    recalls: dict[str, list[float]] = {side: [] for side in SIDES}
    for catalogue in catalogues:
        count = options.joined // len(catalogues)
        made = joined(catalogue.titles, catalogue.known, count=count, seed=SEED)
        found = {
            side: [recall(shop, each) for each in made] for side, shop in catalogue.sides.items()
        }
        means = "".join(
            f"{statistics.fmean(values):>{width}.3f}"
            for values, width in zip(found.values(), (10, 11), strict=True)
        )
        print(f"{catalogue.name:<22}{len(made):>8}{means}")
        for side, values in found.items():
            recalls[side] += values
    options.print_ratio("joined_recall", statistics.fmean(recalls["corrected"]))
    options.print_ratio(
        "joined_recall_vs_as_typed",
        statistics.fmean(recalls["corrected"]) / statistics.fmean(recalls["as typed"]),
    )


def recall(shop: HybridSearch, asked: Joined) -> float:
    """Share of the wanted products among the first hundred."""
    hits = shop.search(asked.text, size=100, rerank=False).hits
    return len(asked.wanted & {hit.id for hit in hits}) / len(asked.wanted)


def timed(
    sides: Mapping[str, HybridSearch], texts: Sequence[str], rounds: int
) -> dict[str, list[float]]:
    """The milliseconds of each search, by turns."""
    times: dict[str, list[float]] = {side: [] for side in sides}
    for _ in range(rounds):
        for text in texts:
            for side, shop in sides.items():
                start = time.perf_counter()
                shop.search(text, rerank=False)
                times[side].append((time.perf_counter() - start) * 1000)
    return times


def report_time(catalogue: Catalogue, options: Options) -> None:
    """The time of searches with known words, and of those with a correction."""
    shops = catalogue.sides
    known = [
        each.text
        for each in catalogue.queries
        if not shops["corrected"].search(each.text).corrected
    ]
    wrong = misspelt(catalogue.queries, catalogue.known, count=100, seed=SEED)
    print(f"\n{'ms':<22}{'':>10}{PERCENTILE_TITLES}")
    for name, texts in (("known words", known), ("misspelt", [each.text for each in wrong])):
        times = timed(shops, texts, options.rounds)
        for side, spent in times.items():
            print(f"{name:<22}{side:>10}{percentiles(spent)}")
        medians = [statistics.median(spent) for spent in times.values()]
        options.print_ratio(f"time_{name.replace(' ', '_')}", medians[1] / medians[0])


def main() -> None:
    """Load, search, print the tables and the ratios."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        misspelt=(300, 6),
        right=(400, 5),
        joined=(200, 4),
        rounds=(5, 1),
    )
    data = judged_data(smoke=options.smoke)
    with cluster(options.url) as url, ExitStack() as stack:
        catalogues = [opened(name, folder, url, stack) for name, folder in data.items()]
        report_misspelt(catalogues, options)
        report_right(catalogues, options)
        report_joined(catalogues, options)
        report_time(catalogues[0], options)


def _total(rows: Sequence[tuple[float, float, float]], at: int) -> float:
    return sum(row[at] for row in rows)


if __name__ == "__main__":
    main()
