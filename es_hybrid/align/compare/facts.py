"""What a product says of itself that can be compared without a model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from es_hybrid.align.compare.keys import gtin14, plain_key
from es_hybrid.align.compare.quantities import Quantity, clash, marks, quantities
from es_hybrid.records import Product

__all__ = ["FactComparison", "Facts", "compare", "facts_of"]

_DIGIT = re.compile(r"\d")
# Shorter ones are sizes and counts, not model numbers.
_MODEL_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A product, read.

    Attributes:
        category: First step of the path, or empty.
        gtins: With 14 digits, those with a right check digit only.
        sku: Without case and signs, or empty.
        brand: Likewise.
        quantities: Of the title.
        marks: Of the title: Latin words and numbers.
        numbers: Those of `marks` that hold a digit.
    """

    product: Product
    category: str
    gtins: frozenset[str]
    sku: str
    brand: str
    quantities: tuple[Quantity, ...]
    marks: frozenset[str]
    numbers: frozenset[str]

    @property
    def models(self) -> frozenset[str]:
        """Model numbers of the title, without signs: `wh1000xm4`."""
        keys = (plain_key(mark) for mark in self.numbers if not mark.isdigit())
        return frozenset(key for key in keys if len(key) >= _MODEL_LENGTH and not key.isdigit())


@dataclass(frozen=True, slots=True)
class FactComparison:
    """What two titles say about each other.

    Attributes:
        same_quantity: Whether they share one.
        other_quantity: The quantities that contradict each other, or empty.
        shared_marks: Share of the marks that both have, of the fewer; 0 to 1.
        shared_numbers: The same of the marks with digits.
        other_numbers: Whether both have such marks and share none.
    """

    same_quantity: bool
    other_quantity: str
    shared_marks: float
    shared_numbers: float
    other_numbers: bool


def facts_of(product: Product) -> Facts:
    """Read a product's title and numbers."""
    found = marks(product.title)
    return Facts(
        product=product,
        category=product.category[0] if product.category else "",
        gtins=frozenset(filter(None, map(gtin14, product.gtin))),
        sku=plain_key(product.sku),
        brand=plain_key(product.brand),
        quantities=tuple(quantities(product.title)),
        marks=found,
        numbers=frozenset(mark for mark in found if _DIGIT.search(mark)),
    )


def compare(left: Facts, right: Facts) -> FactComparison:
    """Hold two titles against each other."""
    pairs = ((a, b) for a in left.quantities for b in right.quantities)
    return FactComparison(
        same_quantity=any(a.equals(b) for a, b in pairs),
        other_quantity=clash(left.quantities, right.quantities),
        shared_marks=_shared(left.marks, right.marks),
        shared_numbers=_shared(left.numbers, right.numbers),
        other_numbers=bool(left.numbers and right.numbers and not left.numbers & right.numbers),
    )


def _shared(left: frozenset[str], right: frozenset[str]) -> float:
    return len(left & right) / min(len(left), len(right)) if left and right else 0.0
