"""The catalogue that training queries are generated for: chorus-icecat (docs/data.md)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from es_hybrid.index.document import embedding_text
from es_hybrid.settings import Settings
from ingest.cleaning.clean import Cleaner
from ingest.sources import open_rows
from training.data import CHORUS
from training.kinds import GENERIC, Kinds
from training.lexicon import Family

__all__ = ["Item", "read_catalogue", "words_of"]

_WORD = re.compile(r"[a-z0-9]+(?:[-.][a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class Item:
    """A product with the properties that a generated query can ask for.

    Attributes:
        text: Text that the reranker reads.
        title, brand: In lower case.
        kind: For example `notebook case`; empty if unknown.
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
        """Whether its kind is known. Only then can a query for another kind be graded 0."""
        return bool(self.families) or (bool(self.kind) and self.kind not in GENERIC)


def read_catalogue(families: Sequence[Family], folder: Path = CHORUS) -> list[Item]:
    """Products of a catalogue with their kinds and families."""
    settings = Settings()
    ingest = settings.ingest
    clean = Cleaner(settings).clean
    products = [clean(row).product for row in open_rows(str(folder / "products.jsonl"), "jsonl")]
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
    """Words and part numbers, in lower case."""
    return _WORD.findall(text.lower())
