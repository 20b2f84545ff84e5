"""What a search must find, computed from a products file and the vectors alone.

    python -m tests.brute_force $ES_HYBRID_DATA/chorus-icecat/products.jsonl --requests 500

Independent of es-hybrid and of Elasticsearch are: which products hold the words (tokens by a
regular expression that agrees with the standard analyzer on all but 3 of the 88,725 Latin tokens
of chorus-icecat and oracle-oe), which pass the filters, which are the nearest (exact cosine in
numpy; the index is made with `vector_type = "flat"`, so that Elasticsearch is exact too), their
union, its facets and its pages. Only the *order* of a sorted page's candidates by relevance is
taken from the search itself.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import scan
from numpy.typing import NDArray

from es_hybrid.embedding import open_embedder
from es_hybrid.index.document import read_vector
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob

WINDOW = 100
FACETS = ("brand", "lang", "category", "attributes.product_colour")
# As a facet with bounds calls them, and as they are ticked.
PRICES = "price:25,80,300"
RANGES: dict[str, dict[str, float]] = {
    "*-25": {"lt": 25},
    "25-80": {"gte": 25, "lt": 80},
    "80-300": {"gte": 80, "lt": 300},
    "300-*": {"gte": 300},
}

# Ideographs, kana and the scripts without spaces have rules of their own; no query holds them.
_OTHER = "\u0e00-\u0eff\u1780-\u17ff\u2e80-\u9fff\uf900-\ufaff\uff66-\uff9f"
_WORD, _LETTER = rf"[^\W{_OTHER}]", rf"[^\W\d_{_OTHER}]"
_TOKEN = re.compile(
    rf"{_WORD}+(?:(?:(?<={_LETTER})['’.:·](?={_LETTER})|(?<=\d)['’.,;](?=\d)){_WORD}+)*"
)
# Nearer together than this, which of two is the nearer is a matter of rounding.
_TIE = 3e-6


# Field -> values.
Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Row:
    """One product as read from its file."""

    id: str
    tokens: frozenset[str]
    values: Values
    price: float | None


@dataclass(frozen=True)
class Case:
    """One search, as a request and as brute force computes it.

    Attributes:
        selected: Field -> ticked values; of the price, ranges by their names.
    """

    text: str
    filters: dict[str, Any]
    selected: dict[str, list[str]]
    facets: tuple[str, ...]

    @property
    def ticks(self) -> dict[str, Any]:
        """The selection, as a search takes it."""
        prices = self.selected.get("price")
        if prices is None:
            return self.selected
        return {**self.selected, "price": [RANGES[name] for name in prices]}


class Shelf:
    """All products of an index, in memory."""

    def __init__(self, rows: Sequence[Row], vectors: Mapping[str, NDArray[np.float32]]) -> None:
        self.rows = rows
        self._vectors = np.stack([vectors[row.id] for row in rows])

    @cached_property
    def words(self) -> list[str]:
        """Words for queries, the most frequent first."""
        counts = Counter(token for row in self.rows for token in row.tokens)
        ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
        return [w for w, n in ordered if n > 1 and re.fullmatch("[a-z]{3,}", w)]

    def found(
        self, case: Case, query: NDArray[np.float32], colours: Sequence[Values]
    ) -> set[int] | None:
        """Rows that either leg finds; None where rounding decides about a neighbour.

        Args:
            colours: Field -> values, for each that the query names. Products of other colours are
                no neighbours.
        """
        passing = [i for i, row in enumerate(self.rows) if passes(row, case.filters)]
        near = [i for i in passing if all(may_be_of(self.rows[i], each) for each in colours)]
        nearest = self._nearest(query, np.array(near, dtype=np.int64))
        if nearest is None:
            return None
        return {i for i in passing if holds_most_words(self.rows[i], case.text)} | nearest

    def counts(self, found: Iterable[int], case: Case) -> dict[str, dict[str, int]]:
        """The facets, each narrowed by the values ticked in the others."""
        found = list(found)
        fields = [facet.partition(":")[0] for facet in case.facets]
        counts: dict[str, dict[str, int]] = {}
        for field in fields:
            counts[field] = dict.fromkeys(RANGES, 0) if field == "price" else {}
            for row in (self.rows[i] for i in found):
                if ticked(row, case.selected, but=field):
                    for value in values_of(row, field):
                        counts[field][value] = counts[field].get(value, 0) + 1
        return counts

    def _nearest(self, query: NDArray[np.float32], passing: NDArray[np.int64]) -> set[int] | None:
        similar = self._vectors[passing] @ query
        order = np.argsort(-similar, kind="stable")
        if len(order) > WINDOW:
            last, next_ = similar[order[WINDOW - 1]], similar[order[WINDOW]]
            if last - next_ < _TIE:
                return None
        return {int(i) for i in passing[order[:WINDOW]]}


def tokens(text: str) -> set[str]:
    """Tokens of Latin text, as the standard analyzer makes them."""
    return {token.lower() for token in _TOKEN.findall(text.replace("İ", "i"))}


def holds_most_words(row: Row, text: str) -> bool:
    """Whether it has 75 % of the words, rounded down; of one or two words, all."""
    words = set(text.split())
    needed = len(words) if len(words) <= 2 else int(0.75 * len(words))
    return len(words & row.tokens) >= needed


def passes(row: Row, filters: Mapping[str, Any]) -> bool:
    """Whether a product matches every filter; the forms that `cases` makes."""
    return all(_passes(row, field, wanted) for field, wanted in filters.items())


def _passes(row: Row, field: str, wanted: Any) -> bool:
    if field == "price":
        return row.price is not None and lies_in(row.price, wanted)
    values = row.values.get(field, ())
    if isinstance(wanted, list):
        return any(value in wanted for value in values)
    if isinstance(wanted, dict):
        return (
            bool(values) == wanted["exists"] if "exists" in wanted else wanted["not"] not in values
        )
    return wanted in values


def may_be_of(row: Row, colour: Values) -> bool:
    """Whether a product has the colour, or states none."""
    stated = [
        (row.values[field], wanted) for field, wanted in colour.items() if field in row.values
    ]
    return not stated or any(set(values) & set(wanted) for values, wanted in stated)


def ticked(row: Row, selected: Mapping[str, Sequence[str]], *, but: str = "") -> bool:
    """Whether a product has a ticked value of each field other than `but`."""
    return all(
        any(value in wanted for value in values_of(row, field))
        for field, wanted in selected.items()
        if field != but
    )


def values_of(row: Row, field: str) -> Sequence[str]:
    """The values under which a facet counts a product."""
    if field != "price":
        return row.values.get(field, ())
    if row.price is None:
        return []
    return [name for name, range_ in RANGES.items() if lies_in(row.price, range_)]


def lies_in(price: float, range_: Mapping[str, float]) -> bool:
    """`gte` <= value < `lt`."""
    return range_.get("gte", 0) <= price < range_.get("lt", 1e18)


def read_rows(path: Path, count: int | None) -> list[Row]:
    """The first products of a file."""
    with path.open(encoding="utf-8") as lines:
        return [_row(json.loads(line)) for line in itertools.islice(lines, count)]


def _row(raw: Mapping[str, Any]) -> Row:
    text = " \n ".join(str(raw[f]) for f in ("title", "description", "brand", "category", "sku"))
    attributes = {f"attributes.{name}": value for name, value in raw.get("attributes", {}).items()}
    values = {"brand": raw["brand"], "lang": raw["lang"], "category": raw["category"], **attributes}
    return Row(
        id=raw["id"],
        tokens=frozenset(tokens(text)),
        values={
            field: (value.strip(),)
            for field, value in values.items()
            if value and isinstance(value, str)
        },
        price=raw.get("price"),
    )


def cases(shelf: Shelf, rng: random.Random) -> Iterable[Case]:
    """An endless series of random searches; frequent words and values are likelier."""

    def some_value(field: str) -> str | None:
        row = rng.choice(shelf.rows)
        return row.values[field][0] if field in row.values else None

    while True:
        words = dict.fromkeys(
            shelf.words[int(len(shelf.words) * rng.random() ** 3)] for _ in range(rng.randint(1, 5))
        )
        facets = tuple(rng.sample(FACETS, rng.randint(1, len(FACETS))))
        filters: dict[str, Any] = {}
        selected: dict[str, list[str]] = {}
        if rng.random() < 0.3:
            low = rng.uniform(0, 300)
            filters["price"] = {"gte": low, "lt": low + rng.uniform(50, 2000)}
        for field in rng.sample(FACETS, rng.randint(0, 2)):
            value = some_value(field)
            if value is None:
                filters[field] = {"exists": rng.random() < 0.5}
            else:
                other = some_value(field) or value
                filters[field] = rng.choice([value, [value, other], {"not": value}])
        if rng.random() < 0.3:
            facets += (PRICES,)
            if rng.random() < 0.5:
                selected["price"] = rng.sample(list(RANGES), rng.randint(1, 3))
        for field in rng.sample(facets, rng.randint(0, min(2, len(facets)))):
            ticks = {some_value(field) for _ in range(rng.randint(1, 4))} - {None}
            if ticks and field not in filters:
                selected[field] = sorted(tick for tick in ticks if tick)
        yield Case(" ".join(words), filters, selected, facets)


def load(settings: Settings, path: Path, count: int | None) -> Shelf:
    """Load the first products of a file into the index of the settings, and onto a shelf."""
    with tempfile.TemporaryDirectory() as folder, path.open(encoding="utf-8") as lines:
        first = Path(folder, "products.jsonl")
        first.write_text("".join(itertools.islice(lines, count)), encoding="utf-8")
        rejected = Path(folder, "rejected.jsonl")
        job = LoadJob.of(
            settings, [str(first)], file_format=None, mapping={}, dead_letters=rejected
        )
        job.run(say=lambda line: None, on_progress=lambda tally: None)
        assert job.tally.rejected == 0
    query = {"_source": {"includes": ["embedding"], "exclude_vectors": False}}
    with Elasticsearch(str(settings.elasticsearch.url)) as client:
        stored = scan(client, index=settings.index.name, query=query, size=500)
        vectors = {hit["_id"]: read_vector(hit["_source"]["embedding"]) for hit in stored}
    return Shelf(read_rows(path, count), vectors)


def check(shop: HybridSearch, shelf: Shelf, *, requests: int, seed: int) -> Counter[str]:
    """Compare random searches with brute force.

    Returns:
        What was seen: `undecided` neighbours (not counted as requests), `ticked`, `sorted` …

    Raises:
        AssertionError: a search that differs.
    """
    rng = random.Random(seed)
    embedder = open_embedder(shop._settings.embedding)
    seen: Counter[str] = Counter()
    for case in cases(shelf, rng):
        if seen["requests"] == requests:
            return seen
        named = shop.search(case.text, size=1).understood
        colours = [each.values for each in named if each.kind == "colour"]
        seen["coloured"] += bool(colours)
        found = shelf.found(case, embedder.embed_query(case.text), colours)
        if found is None:
            seen["undecided"] += 1
            continue
        seen["requests"] += 1
        seen["ticked"] += bool(case.selected)
        seen["filtered"] += bool(case.filters)
        seen["larger than the window"] += len(found) > WINDOW
        kept = {i for i in found if ticked(shelf.rows[i], case.selected)}
        options: dict[str, Any] = {
            "filters": case.filters,
            "selected": case.ticks,
            "facets": case.facets,
            # Random words may read as `bez besonders`, without anything special.
            "ignore": [each.text for each in named if each.effect == "filter"],
        }
        whole = shop.search(case.text, size=WINDOW, **options)
        assert whole.total == len(kept), (case, whole.total, len(kept))
        assert whole.facets == shelf.counts(found, case), case
        ids = {shelf.rows[i].id for i in kept}
        shown = [hit.id for hit in whole.hits]
        assert len(shown) == len(set(shown)) == min(WINDOW, len(ids)), case
        assert ids >= set(shown), case
        _check_pages(shop, shown, case, options, rng)
        seen["sorted"] += _check_sorted(shop, shelf, shown, case, options, rng)
    raise AssertionError("cases never end")


def _check_pages(
    shop: HybridSearch, shown: list[str], case: Case, options: dict[str, Any], rng: random.Random
) -> None:
    """A page within the window comes from the same ranking."""
    size = rng.choice([3, 10, 24])
    page = rng.randint(1, WINDOW // size)
    response = shop.search(case.text, size=size, page=page, **options)
    assert [hit.id for hit in response.hits] == shown[(page - 1) * size : page * size], case
    assert response.pages * size >= response.total > (response.pages - 1) * size or not shown, case


def _check_sorted(
    shop: HybridSearch,
    shelf: Shelf,
    shown: Sequence[str],
    case: Case,
    options: dict[str, Any],
    rng: random.Random,
) -> bool:
    """Sorted by price: the same candidates, in the order of the file's prices."""
    if case.selected:  # the candidates are the window's before the ticks
        return False
    by_id = {row.id: row for row in shelf.rows}
    descending = rng.random() < 0.5
    order = "price:desc" if descending else "price"
    whole = shop.search(case.text, sort=[order], cutoff=0, size=WINDOW, **options)
    ids = [hit.id for hit in whole.hits]
    assert sorted(ids) == sorted(shown), case
    priced = [price for id_ in ids if (price := by_id[id_].price) is not None]
    assert priced == sorted(priced, reverse=descending), case
    assert [by_id[id_].price for id_ in ids[len(priced) :]] == [None] * (len(ids) - len(priced))
    candidates = [i for i, row in enumerate(shelf.rows) if row.id in set(shown)]
    assert whole.total == len(shown), case
    assert whole.facets == shelf.counts(candidates, case), case
    third = shop.search(case.text, sort=[order], cutoff=0, size=10, page=3, **options)
    assert [hit.id for hit in third.hits] == ids[20:30], case
    return True


def settings_for(url: str, index: str) -> Settings:
    """An index that searches exactly, without a time limit and other forms of its words."""
    return load_settings(
        flags={
            "elasticsearch": {"url": url},
            "index": {"name": index, "vector_type": "flat", "languages": []},
            "search": {"timeout_ms": 0, "spelling": False},
            "rerank": {"enabled": False},
        }
    )


def main() -> None:
    """Check a whole file."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("products", type=Path)
    parser.add_argument("--rows", type=int, help="read only the first ROWS rows")
    parser.add_argument("--requests", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with EmbeddedNode() as node:
        settings = settings_for(node.url, "brute-force")
        shelf = load(settings, options.products, options.rows)
        with HybridSearch.open(settings) as shop:
            seen = check(shop, shelf, requests=options.requests, seed=options.seed)
    print(f"{len(shelf.rows)} products, all agree: {dict(seen)}")  # noqa: T201


if __name__ == "__main__":
    main()
