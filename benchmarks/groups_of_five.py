"""Given a query product and five candidates, which candidate is the same product?

For each SKU the query is its Chinese product. The candidates are the same SKU in another language
and four other SKUs, all five in different languages. Three of the four are look-alikes: the SKUs of
the same category whose English titles share the most letter trigrams. Candidates are therefore
chosen neither by the vectors nor by the words of the query.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from es_hybrid.align.blocking import Embedded
from es_hybrid.align.compare.facts import compare, facts_of
from es_hybrid.align.evidence import FoundPair, features
from es_hybrid.align.scoring import Weights, first_scores
from es_hybrid.records import Product
from es_hybrid.reranking import Reranker
from training.multilingual import Catalogue

QUERY = ("zh-CN", "zh")
OTHERS = ("en", "ja", "de", "fr", "es")

Scorer = Callable[[Embedded, Sequence[Embedded]], Sequence[float]]


def of_five(catalogue: Catalogue, products: Sequence[Embedded], reranker: Reranker) -> None:
    """Print the top-1 and top-3 accuracy of each scorer."""
    by_id = {each.product.id: each for each in products}
    by_group: dict[str, dict[str, Embedded]] = {}
    for id_, group in catalogue.groups.items():
        lang = by_id[id_].product.lang
        by_group.setdefault(group, {})["query" if lang in QUERY else lang] = by_id[id_]
    questions = [
        (by_group[group]["query"], candidates)
        for group, candidates in _questions(by_group, catalogue.categories)
    ]
    scorers: dict[str, Scorer] = {
        "BM25": _Bm25(products).scores,
        "vectors (title and text)": _cosines,
        "align, first score": _first_score,
        "bundled reranker": lambda left, rights: reranker.score(
            _text(left.product), [_text(right.product) for right in rights]
        ).tolist(),
    }
    for name, scorer in scorers.items():
        ranks = []
        for query, candidates in questions:
            found = list(scorer(query, candidates))
            # The first candidate is the right one. A tie counts against it.
            ranks.append(sum(score >= found[0] for score in found[1:]))
        top1, top3 = np.mean(np.array(ranks) < 1), np.mean(np.array(ranks) < 3)
        print(f"  {name:<48}top-1 {top1:.3f}  top-3 {top3:.3f}")
    print(f"  {len(questions)} groups")


def _questions(
    by_group: Mapping[str, Mapping[str, Embedded]], category: Mapping[str, str]
) -> list[tuple[str, list[Embedded]]]:
    """(group, candidates with the right one first), for groups that have all languages."""
    chance = np.random.default_rng(3)
    most = max(map(len, by_group.values()))
    by_group = {group: members for group, members in by_group.items() if len(members) == most}
    others = [lang for lang in OTHERS if any(lang in members for members in by_group.values())]
    grams = {group: _trigrams(members["en"].product.title) for group, members in by_group.items()}
    questions = []
    for group in by_group:
        rivals = sorted(
            (other for other in by_group if other != group),
            key=lambda other: (
                category[other] != category[group],
                -len(grams[group] & grams[other]) / len(grams[group] | grams[other]),
            ),
        )
        look_alikes = len(others) - 2
        chosen = [*rivals[:look_alikes], str(chance.choice(rivals[look_alikes:]))]
        languages = chance.permutation(others)
        questions.append(
            (
                group,
                [
                    by_group[each][lang]
                    for each, lang in zip([group, *chosen], languages, strict=True)
                ],
            )
        )
    return questions


def _trigrams(text: str) -> set[str]:
    folded = f"  {text.casefold()} "
    return {folded[at : at + 3] for at in range(len(folded) - 2)}


def _cosines(left: Embedded, rights: Sequence[Embedded]) -> list[float]:
    return [float(left.vector @ right.vector) for right in rights]


def _first_score(left: Embedded, rights: Sequence[Embedded]) -> list[float]:
    """The first score; the candidates compete with each other as if in one language."""
    pairs = [
        FoundPair("query", str(number), cosine)
        for number, cosine in enumerate(_cosines(left, rights))
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
    """BM25 (k1 1.2, b 0.75) over all products: words, and bigrams of Chinese and Japanese."""

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
