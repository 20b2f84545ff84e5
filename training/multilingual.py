"""Catalogues in several languages with the true groups of their products.

Products keep only title and description: SKU, GTIN, price and category are the same in every
language and would give the groups away. The titles of adventureworks are English in every language,
so its descriptions are used as titles.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.blocking import Embedded, joined
from es_hybrid.align.blocking.memory import MemoryBlocker
from es_hybrid.align.compare.facts import facts_of
from es_hybrid.align.engine import Sides
from es_hybrid.align.evidence import FoundPair, comparisons, features
from es_hybrid.align.fitting import Sample
from es_hybrid.embedding import Embedder
from es_hybrid.index.document import embedding_text
from es_hybrid.records import Product
from training.data import ADVENTURE_WORKS, ORACLE, SAMPLE

LANGUAGES = ("en", "zh-CN", "ja", "de", "fr", "es")
TEMPLATE = ("title", "description")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Products and their true groups.

    Attributes:
        groups: Product id -> group.
        categories: Group -> category.
    """

    name: str
    products: Sequence[Product]
    groups: Mapping[str, str]
    categories: Mapping[str, str]

    def pairs(self, ids: Collection[str]) -> int:
        """Number of true pairs among these products."""
        sizes = Counter(self.groups[id_] for id_ in ids)
        return sum(size * (size - 1) // 2 for size in sizes.values())


def oracle(languages: Collection[str] = LANGUAGES) -> Catalogue:
    """oracle-oe-multilingual: 288 SKUs in each language, many of them look-alikes."""
    rows = _rows(ORACLE / "products.jsonl")
    return _catalogue(
        "oracle-oe",
        (row for row in rows if row["lang"] in languages),
        "sku",
        _title_and_text,
    )


def adventureworks() -> Catalogue:
    """adventureworks-multilingual: 127 descriptions in ar, en, fr, he, th and zh."""
    rows = _rows(ADVENTURE_WORKS / "products.jsonl")
    return _catalogue("adventureworks", rows, "model_id", lambda row: (row["description"], ""))


def sample() -> Catalogue:
    """The bundled sample catalogue: 103 products in up to five languages."""
    rows = _rows(SAMPLE / "products.jsonl")
    return _catalogue("sample", rows, "group", _title_and_text)


def embedded(products: Sequence[Product], embedder: Embedder) -> list[Embedded]:
    """Products with their vectors."""
    texts = [embedding_text(p, template=TEMPLATE, max_chars=2000) for p in products]
    titles = vectors_of([p.title for p in products], embedder)
    vectors = joined(titles, vectors_of(texts, embedder))
    return [Embedded(p, row) for p, row in zip(products, vectors, strict=True)]


def vectors_of(texts: Sequence[str], embedder: Embedder) -> NDArray[np.float32]:
    """`[n]` texts -> `[n, dims]`, as documents."""
    size = embedder.batch_size
    return np.concatenate(
        [embedder.embed_documents(texts[at : at + size]) for at in range(0, len(texts), size)]
    )


def found_in(products: Sequence[Embedded], count: int = 20) -> tuple[list[FoundPair], Sides]:
    """Candidate pairs of a catalogue aligned with itself, each pair once."""
    blocker = MemoryBlocker(products, count=count, same_side=True, duplicates=False)
    found: dict[tuple[str, str], FoundPair] = {}
    for left, candidates in zip(products, blocker.candidates(products), strict=True):
        for candidate in candidates:
            ids = sorted((left.product.id, candidate.product.id))
            found[ids[0], ids[1]] = FoundPair(ids[0], ids[1], candidate.cosine)
    facts = {each.product.id: facts_of(each.product) for each in products}
    return list(found.values()), Sides(facts, facts, same=True)


def sample_of(catalogue: Catalogue, products: Sequence[Embedded]) -> Sample:
    """Labelled candidate pairs among some products of a catalogue."""
    pairs, sides = found_in(products)
    compared = comparisons(pairs, sides.left, sides.right)
    truth = [catalogue.groups[p.left_id] == catalogue.groups[p.right_id] for p in pairs]
    return Sample(
        pairs,
        features(pairs, sides.left, sides.right, compared, same_side=True),
        [sides.languages(pair) for pair in pairs],
        np.array(truth),
        same_side=True,
    )


def _title_and_text(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["title"], row["description"]


def _catalogue(
    name: str,
    rows: Iterator[dict[str, Any]],
    group: str,
    words: Callable[[Mapping[str, Any]], tuple[str, str]],
) -> Catalogue:
    products, groups, categories = [], {}, {}
    for row in rows:
        title, description = words(row)
        products.append(
            Product(id=row["id"], title=title, description=description, lang=row["lang"])
        )
        groups[row["id"]] = str(row[group])
        categories[str(row[group])] = row["category"]
    return Catalogue(name, products, groups, categories)


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)
