"""Synonyms learned from the titles of groups: what they add to a search in another language.

    python -m benchmarks.synonyms

The rival is the same search without `search.synonyms`. Rules are learned from every other product
of oracle-oe (docs/data.md), and all of them are accepted, also those that a person would reject.
Queries are the titles of the remaining products in one language, where they are translated; the
index has the products in another language. A smoke run uses the sample catalogue.

- translated: nDCG@10 and Recall@100, hybrid and lexical leg alone
- chorus-icecat: rules of oracle-oe for other products, with its queries in six languages
- unchanged: queries without a synonym find the same products in the same order
- time: searches without a synonym, with 10,000 rules and with none, by turns
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentiles
from es_hybrid.evaluation.judgements import Qrels, Query, answerable, read_qrels, read_queries
from es_hybrid.evaluation.measures import mean, measure
from es_hybrid.evaluation.runs import run_queries
from es_hybrid.retrieval.request import Mode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from es_hybrid.synonyms.association import TextPair, associated
from es_hybrid.synonyms.candidates import SynonymCandidate
from training.data import CHORUS, ORACLE, SAMPLE, cluster, load_products, required

Row = Mapping[str, Any]

# Language of the queries, and of the products.
DIRECTIONS = (
    ("en", "zh-CN"), ("en", "ru"), ("en", "es"), ("en", "ja"), ("zh-CN", "en"), ("ru", "en"),
    ("es", "en"), ("ja", "en"),
)  # fmt: skip
SMOKE_DIRECTIONS = (("zh", "en"),)
MODES: tuple[Mode, ...] = ("hybrid", "bm25")
MEASURES = ("nDCG@10", "Recall@100")
# Languages of the queries of chorus-icecat that oracle-oe has titles in.
CHORUS_LANGUAGES = ("zh-CN", "ja", "es", "de", "fr")


class Asked(NamedTuple):
    """Queries of one language, and the products that are the same."""

    queries: list[Query]
    qrels: Qrels


def titles_of(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """Group -> language -> row."""
    groups: dict[str, dict[str, Row]] = {}
    for row in rows:
        groups.setdefault(row.get("group") or row["sku"], {})[row["lang"]] = row
    return groups


def learned(groups: Sequence[Mapping[str, Row]], one: str, other: str) -> list[SynonymCandidate]:
    """Every candidate that the titles of two languages give."""
    pairs = [
        TextPair(group[one]["title"], group[other]["title"], one[:2], other[:2], "titles")
        for group in groups
        if one in group and other in group and group[one]["title"] != group[other]["title"]
    ]
    return associated(pairs)


def asked(groups: Sequence[Mapping[str, Row]], one: str, other: str, count: int) -> Asked:
    """The first titles in one language that were translated, and the products in the other."""
    queries, qrels = [], {}
    for group in groups:
        if one in group and other in group and group[one]["title"] != group[other]["title"]:
            query = Query(group[one]["id"], group[one]["title"], one)
            queries.append(query)
            qrels[query.id] = {group[other]["id"]: 1}
    return Asked(queries[:count], qrels)


def opened(name: str, url: str, synonyms: Path | None, stack: ExitStack) -> HybridSearch:
    """A search of an index, with or without a file of synonyms."""
    sections: dict[str, dict[str, Any]] = {
        "elasticsearch": {"url": url},
        "index": {"name": f"bench-synonyms-{name.lower()}"},
        "rerank": {"enabled": False},
        "search": {"synonyms": str(synonyms or "")},
    }
    return stack.enter_context(HybridSearch.open(load_settings(flags=sections)))


def load(name: str, products: Path, url: str) -> None:
    """Load products into an index of their own."""
    sections = {"elasticsearch": {"url": url}, "index": {"name": f"bench-synonyms-{name.lower()}"}}
    load_products(load_settings(flags=sections), products)


def compared(sides: Sequence[HybridSearch], ask: Asked, mode: Mode) -> list[dict[str, float]]:
    """The means of the measures of each search."""
    found = [measure(run_queries(shop, ask.queries, mode=mode), ask.qrels) for shop in sides]
    return [{name: mean(values[name]) for name in MEASURES} for values in found]


def print_head(name: str) -> None:
    """The head of a table."""
    print(f"\n{name:<22}{'rules':>6}{'queries':>9}{'applied':>9}  {', '.join(MEASURES)}")


def print_row(
    name: str, rules: int, sides: Sequence[HybridSearch], ask: Asked, modes: Sequence[Mode]
) -> dict[str, list[float]]:
    """A row of a table; returns each figure without and with rules."""
    applied = sum(bool(sides[1].search(each.text, size=1).synonyms) for each in ask.queries)
    print(f"{name:<22}{rules:>6}{len(ask.queries):>9}{applied:>9}", end="")
    figures = {}
    for mode in modes:
        both = compared(sides, ask, mode)
        for measured in MEASURES:
            figures[f"{mode} {measured}"] = [side[measured] for side in both]
        shown = ", ".join(" -> ".join(f"{side[each]:.3f}" for side in both) for each in MEASURES)
        print(f"  {mode} {shown}", end="")
    print(flush=True)
    return figures


def report_translated(rows: Sequence[Row], folder: Path, url: str, options: Options) -> None:
    """The table of titles as queries in another language, with rules of the other products."""
    groups = list(titles_of(rows).values())
    directions = SMOKE_DIRECTIONS if options.smoke else DIRECTIONS
    for other in sorted({other for _, other in directions}):
        chosen = [json.dumps(row, ensure_ascii=False) for row in rows if row["lang"] == other]
        file = folder / f"{other}.jsonl"
        file.write_text("\n".join(chosen) + "\n", encoding="utf-8")
        load(other, file, url)
    print_head("titles, translated")
    found: list[dict[str, list[float]]] = []
    for one, other in directions:
        rules = learned(groups[::2], one, other)
        file = write_rules(rules, folder / f"{one}-{other}.txt")
        with ExitStack() as stack:
            sides = [opened(other, url, path, stack) for path in (None, file)]
            ask = asked(groups[1::2], one, other, options.queries)
            found.append(print_row(f"{one} -> {other}", len(rules), sides, ask, MODES))
    for name in found[0]:
        before, after = (statistics.fmean(each[name][side] for each in found) for side in (0, 1))
        print(f"mean {name}: {before:.3f} -> {after:.3f}")
        ratio = f"synonyms_{name.lower().replace('@', '_').replace(' ', '_')}"
        options.print_ratio(ratio, after / before)


def write_rules(rules: Sequence[SynonymCandidate], path: Path) -> Path:
    """A file of synonyms with every candidate."""
    path.write_text("".join(f"{each.rule}\n" for each in rules), encoding="utf-8")
    return path


def report_chorus(rows: Sequence[Row], folder: Path, url: str, options: Options) -> None:
    """The table of chorus-icecat, whose English products oracle-oe knows nothing about."""
    load("chorus", CHORUS / "products.jsonl", url)
    groups = list(titles_of(rows).values())
    rules = [rule for lang in CHORUS_LANGUAGES for rule in learned(groups, "en", lang)]
    file = write_rules(rules, folder / "chorus.txt")
    sets: dict[str, Asked] = {}
    for end in ("", ".i18n"):
        qrels = read_qrels(CHORUS / f"qrels{end}.txt")
        for query in answerable(read_queries(CHORUS / f"queries{end}.tsv"), qrels):
            sets.setdefault(query.lang or "en", Asked([], qrels)).queries.append(query)
    print_head("chorus-icecat")
    with ExitStack() as stack:
        sides = [opened("chorus", url, path, stack) for path in (None, file)]
        for lang, ask in sets.items():
            print_row(lang, len(rules), sides, ask, ["hybrid"])
            some = [each for each in ask.queries if sides[1].search(each.text, size=1).synonyms]
            if some:
                name = f"{lang}, with a synonym"
                print_row(name, len(rules), sides, Asked(some, ask.qrels), ["hybrid"])
        report_unchanged(sides, [query for ask in sets.values() for query in ask.queries], options)


def report_unchanged(
    sides: Sequence[HybridSearch], queries: Sequence[Query], options: Options
) -> None:
    """Queries without a synonym, whose hits must be the same."""
    changed = total = 0
    for query in queries:
        before, after = (shop.search(query.text, size=100) for shop in sides)
        if not after.synonyms:
            total += 1
            changed += [hit.id for hit in before.hits] != [hit.id for hit in after.hits]
    print(f"{total} queries without a synonym: {changed} changed")
    options.print_ratio("queries_without_synonym_changed", changed)


def report_time(name: str, texts: Sequence[str], folder: Path, url: str, options: Options) -> None:
    """The time of searches without a synonym."""
    many = folder / "many.txt"
    many.write_text("".join(f"thing{n} part, other{n}\n" for n in range(10_000)), encoding="utf-8")
    spent: list[list[float]] = [[], []]
    with ExitStack() as stack:
        sides = [opened(name, url, path, stack) for path in (None, many)]
        for _ in range(options.rounds):
            for text in texts:
                for shop, times in zip(sides, spent, strict=True):
                    start = time.perf_counter()
                    shop.search(text)
                    times.append((time.perf_counter() - start) * 1000)
    medians = [statistics.median(times) for times in spent]
    print(f"\n{'ms of a search':<24}{PERCENTILE_TITLES}")
    for name, times in zip(("without rules", "with 10,000"), spent, strict=True):
        print(f"{name:<24}{percentiles(times)}")
    options.print_ratio("time_with_10000_rules", medians[1] / medians[0])


def read_rows(folder: Path) -> Iterator[Row]:
    """The products of a data set."""
    with (folder / "products.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def main() -> None:
    """Load, learn, search, print the tables and the ratios."""
    options = parse_arguments(__doc__, elasticsearch=True, queries=(1000, 5), rounds=(5, 1))
    rows = list(read_rows(SAMPLE if options.smoke else required(ORACLE)))
    with cluster(options.url) as url, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report_translated(rows, folder, url, options)
        texts = [row["title"] for row in rows if row["lang"] == "en"]
        report_time("en", texts[: min(options.queries, 20)], folder, url, options)
        if not options.smoke:
            report_chorus(rows, folder, url, options)


if __name__ == "__main__":
    main()
