"""Shelves of similar products: what is on them, and how long they take.

    python -m benchmarks.similar

`HybridSearch.similar` for ten products like a given one. The rival is what one would write:
`more_like_this` over title, description, brand and category, also for words that occur once, with
the same filter, without the product and its variants. Both are asked by turns for random products
of

- oracle-oe-multilingual (288 SKUs in 30 languages; variants share the SKU), in the product's
  language
- the same in any language, with Elasticsearch's own `collapse` for the rival
- chorus-icecat: products that are relevant to a judged query

Of the ten places: the share with a product of the same category (if the given one has one), and
with different products. Of chorus, also the share of judged products on the shelf that are relevant
to a query for which the given one is. Products are split in two: settings were chosen on one half.
A smoke run uses the sample catalogue.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from elasticsearch import Elasticsearch

from benchmarks.command import Options, parse_arguments
from benchmarks.figures import PERCENTILE_TITLES, percentile, percentiles
from es_hybrid.evaluation.judgements import read_qrels
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import CHORUS, ORACLE, SAMPLE, cluster, load_products

SEED = 19
SIZE = 10
HALVES = ("chosen on", "reported")
# Grades of products that a query is for.
_RELEVANT = 2
_TEXTS = ("title", "description", "brand.text", "category.text")

Shelf = Callable[[str, Mapping[str, Any]], Sequence[str]]


class Case(NamedTuple):
    """A set of products and the shelves asked for.

    Attributes:
        collapse: Field that variants share.
        own_language: Whether only products in the language of the given one are shown.
    """

    name: str
    folder: Path
    collapse: str | None
    own_language: bool


CASES = (
    Case("oracle", ORACLE, "sku", True),
    Case("oracle any language", ORACLE, "sku", False),
    Case("chorus", CHORUS, None, False),
)


class Judged:
    """Which products are relevant to the same query."""

    def __init__(self, folder: Path) -> None:
        self.related: dict[str, set[str]] = {}
        self.judged: dict[str, set[str]] = {}
        for grades in read_qrels(folder / "qrels.txt").values():
            relevant = {id_ for id_, grade in grades.items() if grade >= _RELEVANT}
            for id_ in relevant:
                self.related.setdefault(id_, set()).update(relevant)
                self.judged.setdefault(id_, set()).update(grades)

    def share(self, id_: str, shelf: Sequence[str]) -> float | None:
        """Share of the judged products that are relevant where the given one is."""
        judged = [each for each in shelf if each in self.judged.get(id_, ())]
        return statistics.fmean(each in self.related[id_] for each in judged) if judged else None


def rival(client: Elasticsearch, index: str, case: Case) -> Shelf:
    """Asks Elasticsearch for products with the words of the given one."""

    def ask(id_: str, product: Mapping[str, Any]) -> Sequence[str]:
        like = {"fields": list(_TEXTS), "like": [{"_index": index, "_id": id_}]}
        query = {"more_like_this": {**like, "min_term_freq": 1, "min_doc_freq": 2}}
        filters = [{"term": {"lang": product["lang"]}}] if case.own_language else []
        own: list[dict[str, Any]] = [{"ids": {"values": [id_]}}]
        more: dict[str, Any] = {}
        if case.collapse:
            own.append({"term": {case.collapse: product[case.collapse]}})
            more["collapse"] = {"field": case.collapse}
        whole = {"bool": {"must": query, "filter": filters, "must_not": own}}
        found = client.search(index=index, query=whole, size=SIZE, **more)
        return [hit["_id"] for hit in found["hits"]["hits"]]

    return ask


def ours(shop: HybridSearch, case: Case) -> Shelf:
    """Asks es-hybrid."""

    def ask(id_: str, product: Mapping[str, Any]) -> Sequence[str]:
        filters = {"lang": product["lang"]} if case.own_language else {}
        found = shop.similar(id_, filters=filters, collapse=case.collapse, size=SIZE)
        return [hit.id for hit in found.hits]

    return ask


def report(case: Case, sides: Mapping[str, Shelf], options: Options) -> None:
    """The rows of one set."""
    lines = (case.folder / "products.jsonl").read_bytes().splitlines()
    products = {product["id"]: product for product in map(orjson.loads, lines)}
    judged = Judged(case.folder)
    known = sorted(judged.related if case.folder == CHORUS else products)
    ids = random.Random(SEED).sample(known, min(options.products, len(known)))
    shelves: dict[str, list[Sequence[str]]] = {name: [] for name in sides}
    times: dict[str, list[float]] = {name: [] for name in sides}
    for id_ in ids:
        for name, ask in sides.items():
            ask(id_, products[id_])  # what either has to read once
            start = time.perf_counter()
            shelves[name].append(ask(id_, products[id_]))
            times[name].append((time.perf_counter() - start) * 1000)
    figures: dict[str, list[list[float]]] = {}
    for name, shown in shelves.items():
        figures[name] = [_figures(case, ids, shown, products, judged, half) for half in (0, 1)]
        cells = "".join(f"{value:>12.3f}" for half in figures[name] for value in half)
        print(f"{case.name:<21}{name:<11}{len(ids):>9}{cells}{percentiles(times[name])}")
        slow = percentile(times[name], 99)
        options.print_ratio(f"similar_{case.name}_{name}_p99_ms".replace(" ", "_"), slow)
    mine, other = (figures[name][1] for name in sides)
    for label, one, two in zip(("category", "distinct", "related"), mine, other, strict=True):
        if one or two:
            options.print_ratio(f"similar_{case.name}_{label}".replace(" ", "_"), one / (two or 1))


def _figures(
    case: Case,
    ids: Sequence[str],
    shelves: Sequence[Sequence[str]],
    products: Mapping[str, Mapping[str, Any]],
    judged: Judged,
    half: int,
) -> list[float]:
    """Shares of the same category, of different products, and of related ones among judged."""
    category, distinct, related = [], [], []
    for id_, shelf in list(zip(ids, shelves, strict=True))[half::2]:
        if of := products[id_]["category"]:
            category.append(sum(products[each]["category"] == of for each in shelf) / SIZE)
        names = {products[each].get(case.collapse or "id", each) for each in shelf}
        distinct.append(len(names) / SIZE)
        if case.folder == CHORUS and (share := judged.share(id_, shelf)) is not None:
            related.append(share)
    return [statistics.fmean(values) if values else 0.0 for values in (category, distinct, related)]


def loaded(url: str, folder: Path) -> Settings:
    """Settings of an index with the products of a folder."""
    flags: dict[str, dict[str, Any]] = {
        "elasticsearch": {"url": url},
        "index": {"name": f"bench-similar-{folder.name}"},
        "rerank": {"enabled": False},
    }
    settings = load_settings(flags=flags)
    load_products(settings, folder / "products.jsonl")
    return settings


def main() -> None:
    """Load, ask, print the table and the ratios."""
    options = parse_arguments(__doc__, elasticsearch=True, products=(200, 8))
    whole = CHORUS.exists() and not options.smoke
    cases = CASES if whole else (Case("sample", SAMPLE, "sku", True),)
    with cluster(options.url) as url, Elasticsearch(url, request_timeout=60) as client:
        settings = {folder: loaded(url, folder) for folder in {case.folder for case in cases}}
        columns = "".join(f"{name:>12}" for name in ("category", "distinct", "related"))
        print(f"{'':<41}{HALVES[0]:>36}{HALVES[1]:>36}")
        print(f"{'':<32}{'products':>9}{columns}{columns}{PERCENTILE_TITLES} ms")
        for case in cases:
            chosen = settings[case.folder]
            (index,) = client.indices.get_alias(name=chosen.index.name)
            with HybridSearch.open(chosen) as shop:
                sides = {"es-hybrid": ours(shop, case), "rival": rival(client, index, case)}
                report(case, sides, options)


if __name__ == "__main__":
    main()
