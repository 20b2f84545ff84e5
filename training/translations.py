"""Training groups across languages, from catalogues with each product in several of them.

In oracle-oe-multilingual and adventureworks-multilingual (docs/data.md), a few words of a product
in one language are the query for the same product in other languages.
"""

from __future__ import annotations

import json
import random
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from training.data import ADVENTURE_WORKS, ORACLE
from training.groups import Group
from training.lexicon import LANGUAGES
from training.queries import judged_texts, normal

__all__ = ["make_translations", "translated_texts"]

_CLAUSE = re.compile(r"[,，。、;；.・]")
_UNSPACED = ("zh", "ja")
_SHARES = (0.9, 0.1)  # of both catalogues
_ANSWERED, _OTHERS = 3, 8  # languages, and products that are not the answer

# Product -> language -> row.
Catalogue = Mapping[str, Mapping[str, Mapping[str, Any]]]


def make_translations(number: int, rng: random.Random) -> list[Group]:
    """At most `number` groups; the same for the same state of `rng`."""
    judged, catalogues = judged_texts(), _catalogues()
    chosen = rng.choices(catalogues, _SHARES, k=number)
    groups = (_group(catalogue, rng) for catalogue in chosen)
    return [group for group in groups if normal(group.query) not in judged and group.bad]


def translated_texts() -> list[str]:
    """The products in all languages of the lexicon."""
    return [_text(row) for one in _catalogues() for rows in one.values() for row in rows.values()]


def _group(catalogue: Catalogue, rng: random.Random) -> Group:
    product = rng.choice(sorted(catalogue))
    rows = catalogue[product]
    asked = rng.choice(sorted(rows))
    # Good and bad in the same languages: the language must not tell them apart.
    foreign = sorted(rows.keys() - {asked})
    answered = rng.sample(foreign, min(_ANSWERED, len(foreign)))
    others = [catalogue[one] for one in rng.sample(sorted(catalogue), _OTHERS)]
    category = rows[asked]["category"]
    return Group(
        query=_some_words(rows[asked], asked, rng),
        language=asked,
        good=tuple((_text(rows[language]), 1.0) for language in answered),
        middling=(),
        bad=tuple(
            (_text(other[rng.choice(answered)]), 0.0)
            for other in others
            if other[asked]["category"] != category
        ),
    )


def _catalogues() -> Sequence[Catalogue]:
    return _read(ORACLE, "sku"), _read(ADVENTURE_WORKS, "model_id")


def _read(folder: Path, key: str) -> Catalogue:
    products: dict[str, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for line in (folder / "products.jsonl").open(encoding="utf-8"):
        row = json.loads(line)
        language = row["lang"].removesuffix("-CN")
        if folder == ADVENTURE_WORKS and language != "en":
            row["title"] = ""  # English in every language
        if language in LANGUAGES:
            products[row[key]][language] = row
    return products


def _some_words(product: Mapping[str, Any], language: str, rng: random.Random) -> str:
    """A clause, or two to six words, of the title or description."""
    by_title = rng.random() < 0.4 and product["title"]
    text: str = product["title"] if by_title else product["description"]
    if language in _UNSPACED:
        clauses = [part for part in _CLAUSE.split(text) if 2 <= len(part) <= 24]
        return rng.choice(clauses).strip() if clauses else text[:20]
    words = text.split()
    length = rng.randint(2, 6)
    start = rng.randint(0, max(0, len(words) - length))
    return " ".join(words[start : start + length])


def _text(product: Mapping[str, Any]) -> str:
    parts = (product["title"], product["category"], product["description"])
    return ". ".join(filter(None, parts))
