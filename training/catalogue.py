"""The catalogue that the made queries are about: ../shared/data/chorus-icecat."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.index.document import embedding_text
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import open_rows
from training.kinds import GENERIC, Kinds
from training.lexicon import Family

__all__ = ["SHARED", "Item", "read_catalogue", "words_of"]

SHARED = Path(__file__).parents[1] / "../shared/data"
_WORD = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Item:
    """One product, as far as a made query can ask for it.

    Attributes:
        text: What the reranker reads of it.
        title, brand: In small letters.
        kind: Such as `notebook case`; empty where it could not be told.
        families: Positions of the families it belongs to.
    """

    id: str
    text: str
    title: str
    brand: str
    kind: str
    families: frozenset[int]

    @property
    def is_known(self) -> bool:
        """Whether what it is could be told: only then it is known what it is not."""
        return bool(self.families) or (bool(self.kind) and self.kind not in GENERIC)


def read_catalogue(families: Sequence[Family]) -> list[Item]:
    """The products of the catalogue, each with its kind and its families."""
    settings = Settings()
    ingest = settings.ingest
    path = SHARED / "chorus-icecat/products.jsonl"
    clean = Cleaner(settings).clean
    products = [clean(row) for row in open_rows(str(path), "jsonl")]
    kinds = Kinds(products)
    items = []
    for product in products:
        kind = kinds.of(product)
        title = product.title.lower()
        items.append(
            Item(
                id=product.id,
                text=embedding_text(
                    product, template=ingest.text_template, max_chars=ingest.text_max_chars
                ),
                title=title,
                brand=product.brand.lower(),
                kind=kind,
                families=frozenset(
                    at for at, family in enumerate(families) if family.holds(kind, title)
                ),
            )
        )
    return items


def words_of(text: str) -> list[str]:
    """Words and part numbers, in small letters."""
    return _WORD.findall(text.lower())
