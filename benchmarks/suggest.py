"""Suggestions while a shopper types: how soon they come, and whether the right one is among them.

    python -m benchmarks.suggest

`GET /suggest` of `es-hybrid serve` over a socket. The rival is what one would write: a
`match_bool_prefix` on the title, through the official client, on the same index. Both are asked by
turns for eight suggestions after every letter of

- queries: the judged queries of chorus-icecat; right is a relevant product, or a brand or category
  of that name
- titles: the first letters of products' titles, picked at random; right is that title

and of the same with one wrong letter, from that letter on. Each set is split in two: settings were
chosen on the first half, the second half is reported as well. A smoke run uses the sample
catalogue.
"""

from __future__ import annotations

import http.client
import random
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import orjson
from elasticsearch import Elasticsearch

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentile, percentiles
from benchmarks.misspelt import misspelt
from benchmarks.servers import started
from es_hybrid.evaluation.judgements import Query, answerable, read_qrels, read_queries
from es_hybrid.settings import load_settings
from es_hybrid.understanding.store import learn_vocabularies
from training.data import CHORUS, SAMPLE, cluster, load_products

SEED = 18
SIZE = 8
INDEX = "bench-suggest"
# Letters of a title that are typed.
TITLE_CHARS = 30
HALVES = ("chosen on", "held out")


class Typed(NamedTuple):
    """What a shopper types.

    Attributes:
        first: Letters after which suggestions are asked for first.
        wanted: Ids of products and names of values, in lower case; one of them is right.
    """

    text: str
    first: int
    wanted: frozenset[str]


class Side:
    """One way to suggest, and what was measured of it.

    Args:
        ask: Returns ids of products, and names in lower case.
    """

    def __init__(self, name: str, ask: Callable[[str], list[str]]) -> None:
        self.name = name
        self._ask = ask
        self.times: list[float] = []
        self.right: list[float] = []

    def type(self, typed: Typed) -> None:
        """Ask after every letter; keeps milliseconds, and the share that were right."""
        right = []
        for length in range(typed.first, len(typed.text) + 1):
            start = time.perf_counter()
            found = self._ask(typed.text[:length])
            self.times.append((time.perf_counter() - start) * 1000)
            right.append(not typed.wanted.isdisjoint(found))
        self.right.append(statistics.fmean(right))


@contextmanager
def served(elasticsearch: str) -> Iterator[Callable[[str], list[str]]]:
    """Asks a running `es-hybrid serve`, on one connection."""
    environment = {"ES_HYBRID_INDEX__NAME": INDEX, "ES_HYBRID_RERANK__ENABLED": "false"}
    with started(elasticsearch, environment=environment) as server:
        connection = http.client.HTTPConnection(urlsplit(server.url).netloc)

        def ask(text: str) -> list[str]:
            connection.request("GET", "/suggest?" + urlencode({"q": text, "size": SIZE}))
            found = orjson.loads(connection.getresponse().read())["suggestions"]
            return [each["id"] or each["text"].lower() for each in found]

        yield ask
        connection.close()


def rival(client: Elasticsearch) -> Callable[[str], list[str]]:
    """Asks Elasticsearch for titles with these words, the last one unfinished."""

    def ask(text: str) -> list[str]:
        query = {"match_bool_prefix": {"title": text}}
        hits = client.search(index=INDEX, query=query, size=SIZE, source_includes=["title"])[
            "hits"
        ]["hits"]
        return [hit["_id"] for hit in hits]

    return ask


def typed_queries(folder: Path) -> list[tuple[Query, frozenset[str]]]:
    """Judged queries, and what is right for each."""
    qrels = read_qrels(folder / "qrels.txt")
    return [
        (
            query,
            frozenset(
                [*(id_ for id_, grade in qrels[query.id].items() if grade > 0), query.text.lower()]
            ),
        )
        for query in answerable(read_queries(folder / "queries.tsv"), qrels)
        if len(query.text) <= 100
    ]


def typed_titles(folder: Path, count: int) -> list[tuple[Query, frozenset[str]]]:
    """First letters of titles, and the products with each title."""
    lines = (folder / "products.jsonl").read_bytes().splitlines()
    ids: dict[str, set[str]] = {}
    for product in map(orjson.loads, lines):
        ids.setdefault(product["title"], set()).add(product["id"])
    chosen = random.Random(SEED).sample(sorted(ids), count)
    return [
        (Query(str(number), title[:TITLE_CHARS].rstrip()), frozenset(ids[title]))
        for number, title in enumerate(chosen)
    ]


def with_mistakes(
    asked: Sequence[tuple[Query, frozenset[str]]], known: Mapping[str, int]
) -> Iterator[Typed]:
    """The same with one wrong letter, from that letter on."""
    right = {query.id: (query.text, wanted) for query, wanted in asked}
    for id_, text in misspelt([query for query, _ in asked], known, count=len(asked), seed=SEED):
        as_meant, wanted = right[id_]
        pairs = enumerate(zip_longest(text, as_meant), 1)
        yield Typed(text, next(length for length, (one, two) in pairs if one != two), wanted)


def report(name: str, asked: Sequence[Typed], sides: Sequence[Side], options: Options) -> None:
    """The rows of one set."""
    for side in sides:
        side.times, side.right = [], []
    for typed in asked:
        for side in sides:
            side.type(typed)
    for side in sides:
        halves = "".join(f"{statistics.fmean(side.right[half::2]):>11.1%}" for half in (0, 1))
        print(f"{name:<18}{side.name:<12}{len(side.times):>8}{percentiles(side.times)}{halves}")
    ours, theirs = sides
    label = name.replace(" ", "_")
    options.print_ratio(f"{label}_p95_ms", percentile(ours.times, 95))
    options.print_ratio(f"{label}_right", statistics.fmean(ours.right[1::2]))
    options.print_ratio(
        f"{label}_right_vs_rival",
        statistics.fmean(ours.right[1::2]) / (statistics.fmean(theirs.right[1::2]) or 1.0),
    )


def known_words(client: Elasticsearch) -> Mapping[str, int]:
    """The words of the index, and how many products use each."""
    learned = learn_vocabularies(client, INDEX, vector_field="embedding")
    return next(iter(learned.values())).counts


def main() -> None:
    """Load, type, print the tables and the ratios."""
    options = parse_arguments(__doc__, elasticsearch=True, queries=(1000, 8), titles=(150, 8))
    folder = SAMPLE if options.smoke or not CHORUS.exists() else CHORUS
    with cluster(options.url) as url, Elasticsearch(url, request_timeout=60) as client:
        settings = load_settings(flags={"elasticsearch": {"url": url}, "index": {"name": INDEX}})
        load_products(settings, folder / "products.jsonl")
        known = known_words(client)
        queries = typed_queries(folder)
        sets = {
            "queries": queries[:: len(queries) // options.queries or 1],
            "titles": typed_titles(folder, options.titles),
        }
        with served(url) as ask:
            sides = (Side("es-hybrid", ask), Side("rival", rival(client)))
            for text in ("warm", "up"):
                ask(text)
            print(f"{'':<30}{'asked':>8}{PERCENTILE_TITLES}", end="")
            print("".join(f"{half:>11}" for half in HALVES))
            for name, asked in sets.items():
                exact = [Typed(query.text, 1, wanted) for query, wanted in asked]
                report(name, exact, sides, options)
                report(f"{name} misspelt", list(with_mistakes(asked, known)), sides, options)


if __name__ == "__main__":
    main()
