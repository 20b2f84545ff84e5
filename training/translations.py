"""Training groups across languages, from a catalogue with each product in all of them.

In oracle-oe-multilingual (docs/data.md), a few words of a product in one language are the query
for the same product in another language.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from typing import Any

from training.data import ORACLE
from training.groups import Group
from training.lexicon import LANGUAGES
from training.queries import judged_texts, normal

__all__ = ["make_translations"]

_CLAUSE = re.compile(r"[,，。、;；.・]")
_UNSPACED = ("zh", "ja")


def make_translations(number: int, rng: random.Random) -> list[Group]:
    """At most `number` groups; the same for the same state of `rng`."""
    products: dict[str, dict[str, dict[str, Any]]] = defaultdict(dict)
    for line in (ORACLE / "products.jsonl").open(encoding="utf-8"):
        product = json.loads(line)
        language = product["lang"].removesuffix("-CN")
        if language in LANGUAGES:
            products[product["sku"]][language] = product
    skus, judged = sorted(products), judged_texts()
    groups = []
    for _ in range(number):
        sku, asked = rng.choice(skus), rng.choice(LANGUAGES)
        answered = rng.choice([language for language in LANGUAGES if language != asked])
        category = products[sku]["en"]["category"]
        others = [
            other for other in rng.sample(skus, 4) if products[other]["en"]["category"] != category
        ]
        query = _some_words(products[sku][asked], asked, rng)
        if normal(query) in judged or len(others) < 2:
            continue
        groups.append(
            Group(
                query=query,
                language=asked,
                good=((_text(products[sku][answered]), 1.0),),
                middling=(),
                bad=tuple(
                    (_text(products[other][rng.choice((answered, answered, "en"))]), 0.0)
                    for other in others
                ),
            )
        )
    return groups


def _some_words(product: dict[str, Any], language: str, rng: random.Random) -> str:
    """A clause, or two to six words, of the title or description."""
    text: str = product["description"] if rng.random() < 0.6 else product["title"]
    if language in _UNSPACED:
        clauses = [part for part in _CLAUSE.split(text) if 2 <= len(part) <= 24]
        return rng.choice(clauses).strip() if clauses else text[:20]
    words = text.split()
    length = rng.randint(2, 6)
    start = rng.randint(0, max(0, len(words) - length))
    return " ".join(words[start : start + length])


def _text(product: dict[str, Any]) -> str:
    return f"{product['title']}. {product['category']}. {product['description']}"
