"""Merchandising rules: the time they add to a search.

    python -m benchmarks.rules [--rules 10000] [--queries 1000] [--products 5000] [--rounds 3]

- in memory: matching, and deciding what the rules that fire do, for each query. Half of the rules
  also need a fact about the caller. They are made of one to three words of products' titles:
  `exact`, `prefix`, `suffix`, `contains`, `fuzzy`, two with numbers, each a seventh. Queries are
  the judged ones, and the first three words of titles, so that far more rules fire than in a shop.
- search: a hybrid search through the official client whose query no rule fires for, with and
  without rules, by turns; the revision is read every half second, as in a server.
- a write: from `put` of one rule among them until a search applies it, with the revision read at
  once.
"""

from __future__ import annotations

import itertools
import random
import statistics
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from elasticsearch import Elasticsearch

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentile, percentiles
from benchmarks.search import Known, load, milliseconds
from es_hybrid.embedding import open_embedder
from es_hybrid.merchandising.rules.matching import RuleSet, facts_of
from es_hybrid.merchandising.rules.rule import Rule, RuleVersion
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.retrieval.compile.ruling import ruling_of
from es_hybrid.search import HybridSearch
from es_hybrid.settings import load_settings
from training.data import CHORUS, SAMPLE, cluster

SEED = 19
INDEX = "bench-rules"
KINDS = ("exact", "prefix", "suffix", "contains", "fuzzy", "gte", "lt")
# An action of each sort, so that deciding among them is measured as well.
ACTIONS: tuple[dict[str, Any], ...] = (
    {"pin": ["1", "2"]},
    {"boost": [{"filter": {"brand": "HP"}}]},
    {"replace": "printer"},
    {"filter": {"price": {"lt": 100}}, "exclude": ["3"]},
)


def titles_of(count: int) -> list[str]:
    """Titles of the catalogue's first products."""
    catalogue = CHORUS if CHORUS.exists() else SAMPLE
    with (catalogue / "products.jsonl").open(encoding="utf-8") as lines:
        return [orjson.loads(line)["title"] for line in itertools.islice(lines, count)]


def made_rules(titles: Sequence[str], count: int) -> list[Rule]:
    """Rules over one to three words of titles."""
    rng = random.Random(SEED)

    def text() -> str:
        words = rng.choice(titles).split()
        start = rng.randrange(len(words))
        return " ".join(words[start : start + rng.randint(1, 3)])

    def criteria(kind: str) -> list[dict[str, Any]]:
        if kind in ("gte", "lt"):
            basket = {"type": kind, "metadata": "basket", "values": [rng.randint(0, 500)]}
            return [basket, {"type": "contains", "values": [text()]}]
        return [{"type": kind, "values": [text()]}]

    channel = {"type": "exact", "metadata": "channel", "values": ["b2b"]}
    return [
        Rule.model_validate(
            {
                "id": f"bench-{number}",
                "criteria": criteria(KINDS[number % len(KINDS)]) + [channel] * (number % 2),
                "actions": ACTIONS[number % len(ACTIONS)],
                "priority": number % 10,
            }
        )
        for number in range(count)
    ]


def in_memory(
    rules: Sequence[Rule], queries: Sequence[str]
) -> tuple[list[float], list[float], float]:
    """Milliseconds to match and to decide for each query, and the mean number that fire."""
    now = datetime.now(UTC)
    versions = [
        RuleVersion(rule=rule, version=1, author="", changed=now, approved_by="") for rule in rules
    ]
    start = time.perf_counter()
    compiled = RuleSet(versions)
    print(f"compiled {len(compiled):,} rules in {time.perf_counter() - start:.2f} s")
    rng = random.Random(SEED)
    matching, deciding, fired = [], [], 0
    for query in queries:
        context = {"channel": rng.choice(["b2b", "b2c"]), "basket": rng.randint(0, 500)}
        start = time.perf_counter()
        found = compiled.fired(facts_of(query, INDEX, context), now)
        matched = time.perf_counter()
        ruling_of(found)
        matching.append((matched - start) * 1000)
        deciding.append((time.perf_counter() - matched) * 1000)
        fired += len(found)
    return matching, deciding, fired / len(queries)


def searches(
    shop: HybridSearch, queries: Sequence[str], rounds: int
) -> tuple[list[float], list[float]]:
    """Milliseconds with and without rules, by turns, without the first round."""
    having: list[float] = []
    without: list[float] = []
    for round_ in range(rounds + 1):
        for query in queries:
            pair = (
                milliseconds(lambda q=query: shop.search(q)),  # type: ignore[misc]
                milliseconds(lambda q=query: shop.search(q, rules=False)),  # type: ignore[misc]
            )
            if round_:
                having.append(pair[0])
                without.append(pair[1])
    return having, without


def report(name: str, times: Sequence[float]) -> None:
    """Print one line: p50, p90 and p99."""
    print(f"{name:<24}{len(times):>8}{percentiles(times)}")


def live_after(store: RuleStore, shop: HybridSearch, rule: Rule, query: str) -> float:
    """Milliseconds from a write until a search applies it."""
    start = time.perf_counter()
    store.put(rule, author="bench")
    while all(each.id != rule.id for each in shop.search(query).rules):
        pass
    return (time.perf_counter() - start) * 1000


def measure(url: str, options: Options) -> None:
    """Load products and rules, and print the tables and the ratios."""
    settings = load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": INDEX},
            "rerank": {"enabled": False},
            # Only the vectors of the queries as they are were computed beforehand.
            "search": {"spelling": False, "conditions": False, "timeout_ms": 0},
        }
    )
    queries = load(settings, options.products)[: options.queries]
    titles = titles_of(options.products)
    rules = made_rules(titles, options.rules)
    with Elasticsearch(url, request_timeout=60) as client:
        store = RuleStore(client)
        if store.list_rules():
            raise SystemExit("this cluster has rules already; give another --url")
        asked = [*queries, *(" ".join(title.split()[:3]) for title in titles)][: options.queries]
        matching, deciding, fired = in_memory(rules, asked)
        known = Known(open_embedder(settings.embedding), queries)
        shop = HybridSearch(client, index=INDEX, embedder=known, settings=settings)
        try:
            # For no caller of this benchmark, so that both sides search the same.
            nobody = {"type": "exact", "metadata": "channel", "values": ["nobody"]}
            store.put_all(
                [
                    Rule.model_validate(
                        {**rule.model_dump(), "criteria": [*rule.model_dump()["criteria"], nobody]}
                    )
                    for rule in rules
                ],
                author="bench",
            )
            having, without = searches(shop, queries, options.rounds)
            now = Rule.model_validate(
                {"id": "bench-0", "criteria": [{"type": "always"}], "actions": {"pin": ["1"]}}
            )
            live = live_after(store, shop, now, queries[0])
        finally:
            client.indices.delete(index=RULES_INDEX, ignore_unavailable=True)
    print(f"\n{'ms':<24}{'queries':>8}{PERCENTILE_TITLES}")
    report("matching in memory", matching)
    report("deciding", deciding)
    report("search with rules", having)
    report("search without", without)
    print(f"rules that fire: {fired:.1f} a query; live {live:.0f} ms after a write\n")
    options.print_ratio("rules_in_memory_p99_ms", percentile(matching, 99))
    options.print_ratio(
        "search_with_rules_vs_without", statistics.median(having) / statistics.median(without)
    )
    options.print_ratio("rule_live_after_ms", live)


def main() -> None:
    """Measure on the given cluster, or on a fresh node."""
    options = parse_arguments(
        __doc__,
        elasticsearch=True,
        rules=(10_000, 50),
        queries=(1000, 10),
        products=(5000, 100),
        rounds=(3, 1),
    )
    with cluster(options.url) as url:
        measure(url, options)


if __name__ == "__main__":
    main()
