"""One query and five candidates: which of them is the same product?

The form of scenario B7. For each SKU of oracle-oe the query is its zh-CN product; the candidates
are the same SKU in one other language, and four other SKUs, each in a language of its own. Three of
these are look-alikes: of the same category, with English titles that share most letter trigrams. So
neither the vectors nor the words of the query choose them.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from es_hybrid.align.blocking import Embedded
from es_hybrid.align.compare.facts import compare, facts_of
from es_hybrid.align.evidence import Found, features
from es_hybrid.align.scoring import Weights, first_scores
from es_hybrid.records import Product
from es_hybrid.reranking import Reranker
from training.multilingual import DATA, Catalogue

QUERY = "zh-CN"
OTHERS = ("en", "ja", "de", "fr", "es")
LOOK_ALIKES = 3

Scorer = Callable[[Embedded, Sequence[Embedded]], Sequence[float]]


def of_five(catalogue: Catalogue, products: Sequence[Embedded], reranker: Reranker) -> None:
    """Print top-1 and top-3 accuracy of each way to score."""
    by_id = {each.product.id: each for each in products}
    by_group: dict[str, dict[str, Embedded]] = {}
    for id_, group in catalogue.groups.items():
        by_group.setdefault(group, {})[by_id[id_].product.lang] = by_id[id_]
    asked = [(by_group[group][QUERY], five) for group, five in _fives(by_group)]
    ways: dict[str, Scorer] = {
        "BM25": _Bm25(products).scores,
        "vectors (title and text)": _cosines,
        "align, first score": _first,
        "bundled reranker (English only)": lambda left, rights: reranker.score(
            _text(left.product), [_text(right.product) for right in rights]
        ).tolist(),
    }
    for name, way in ways.items():
        ranks = []
        for query, five in asked:
            found = list(way(query, five))
            # The right one comes first: what is equal to it stands before it, as if by bad luck.
            ranks.append(sum(score >= found[0] for score in found[1:]))
        top1, top3 = np.mean(np.array(ranks) < 1), np.mean(np.array(ranks) < 3)
        print(f"  {name:<48}top-1 {top1:.3f}  top-3 {top3:.3f}")
    print(f"  {len(asked)} groups")


def _fives(
    by_group: Mapping[str, Mapping[str, Embedded]],
) -> list[tuple[str, list[Embedded]]]:
    """(group, five candidates, the right one first)."""
    chance = np.random.default_rng(3)
    category = _categories()
    grams = {group: _trigrams(members["en"].product.title) for group, members in by_group.items()}
    fives = []
    for group in by_group:
        rivals = sorted(
            (other for other in by_group if other != group),
            key=lambda other: (
                category[other] != category[group],
                -len(grams[group] & grams[other]) / len(grams[group] | grams[other]),
            ),
        )
        chosen = [*rivals[:LOOK_ALIKES], str(chance.choice(rivals[LOOK_ALIKES:]))]
        languages = chance.permutation(OTHERS)
        fives.append(
            (
                group,
                [
                    by_group[each][lang]
                    for each, lang in zip([group, *chosen], languages, strict=True)
                ],
            )
        )
    return fives


def _categories() -> dict[str, str]:
    path = DATA / "oracle-oe-multilingual/products.jsonl"
    with path.open(encoding="utf-8") as lines:
        return {row["sku"]: row["category"] for row in map(json.loads, lines)}


def _trigrams(text: str) -> set[str]:
    folded = f"  {text.casefold()} "
    return {folded[at : at + 3] for at in range(len(folded) - 2)}


def _cosines(left: Embedded, rights: Sequence[Embedded]) -> list[float]:
    return [float(left.vector @ right.vector) for right in rights]


def _first(left: Embedded, rights: Sequence[Embedded]) -> list[float]:
    """The first score, with the five as each other's rivals as if of one language."""
    pairs = [
        Found("query", str(number), cosine) for number, cosine in enumerate(_cosines(left, rights))
    ]
    lefts = {"query": facts_of(left.product)}
    five = {
        str(number): facts_of(_of_one_language(right.product))
        for number, right in enumerate(rights)
    }
    compared = [compare(lefts["query"], five[pair.right_id]) for pair in pairs]
    evidence = features(pairs, lefts, five, compared, same_side=False)
    found: list[float] = first_scores(evidence, Weights.read(None)).tolist()
    return found


def _of_one_language(product: Product) -> Product:
    return Product(id=product.id, title=product.title, description=product.description)


def _text(product: Product) -> str:
    return f"{product.title}. {product.description}"


class _Bm25:
    """BM25 (k1 1.2, b 0.75) over all products: words, and pairs of Chinese and Japanese signs."""

    def __init__(self, products: Sequence[Embedded]) -> None:
        words = {each.product.id: _words(_text(each.product)) for each in products}
        self._words = {id_: Counter(found) for id_, found in words.items()}
        self._lengths = {id_: len(found) for id_, found in words.items()}
        self._average = sum(self._lengths.values()) / len(words)
        self._documents = Counter(word for found in self._words.values() for word in found)

    def scores(self, left: Embedded, rights: Sequence[Embedded]) -> list[float]:
        asked = set(_words(_text(left.product)))
        return [self._score(asked, right.product.id) for right in rights]

    def _score(self, asked: set[str], id_: str) -> float:
        norm = 1.2 * (0.25 + 0.75 * self._lengths[id_] / self._average)
        total = 0.0
        for word in asked & self._words[id_].keys():
            frequency, count = self._documents[word], self._words[id_][word]
            rarity = math.log(1 + (len(self._words) - frequency + 0.5) / (frequency + 0.5))
            total += rarity * count * 2.2 / (count + norm)
        return total


def _words(text: str) -> list[str]:
    folded = text.casefold()
    signs = re.findall(r"[\u3040-\u30ff\u4e00-\u9fff]+", folded)
    pairs = [run[at : at + 2] for run in signs for at in range(max(1, len(run) - 1))]
    return re.findall(r"[a-z0-9à-öø-ÿ]+", folded) + pairs
