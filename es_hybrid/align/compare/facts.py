"""Facts of a product that can be compared without a model."""

from __future__ import annotations

import re
from dataclasses import dataclass

from es_hybrid.align.compare.keys import plain_key
from es_hybrid.align.compare.quantities import Quantity, clash, marks, quantities
from es_hybrid.gtin import gtin14
from es_hybrid.records import Product

__all__ = ["FactComparison", "Facts", "compare", "facts_of"]

_DIGIT = re.compile(r"\d")
# Shorter ones are sizes and counts, not model numbers.
_MODEL_LENGTH = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The comparable facts of a product.

    Attributes:
        category: First level of the path, or empty.
        gtins: With 14 digits; only those with a valid check digit.
        sku: Without case and punctuation, or empty.
        brand: The same.
        quantities: Quantities in the title.
        marks: Latin words and numbers in the title.
        numbers: The `marks` that contain a digit.
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
        """Model numbers in the title, without punctuation: `wh1000xm4`."""
        keys = (plain_key(mark) for mark in self.numbers if not mark.isdigit())
        return frozenset(key for key in keys if len(key) >= _MODEL_LENGTH and not key.isdigit())


@dataclass(frozen=True, slots=True)
class FactComparison:
    """The comparison of two titles.

    Attributes:
        same_quantity: Whether they share a quantity.
        other_quantity: The quantities that contradict each other, or empty.
        shared_marks: Shared marks as a fraction of the shorter list; 0 to 1.
        shared_numbers: The same for marks with digits.
        other_numbers: Whether both have marks with digits and share none.
    """

    same_quantity: bool
    other_quantity: str
    shared_marks: float
    shared_numbers: float
    other_numbers: bool


def facts_of(product: Product) -> Facts:
    """Extract the facts of a product from its title and numbers."""
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
    """Compare two titles."""
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
