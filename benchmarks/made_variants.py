"""Made products with variants, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

# Field that all variants of a product share.
GROUP = "attributes.parent"
_COLOURS = ("red", "blue", "green", "black", "white", "yellow")
_SIZES = ("S", "M", "L", "XL", "XXL")
_KINDS = ("shirt", "jacket", "dress", "skirt", "sweater")
_STUFFS = ("linen", "cotton", "wool", "silk", "denim", "fleece", "hemp", "jersey")

Row = dict[str, Any]


def made_rows(products: int, seed: int = 19) -> Iterator[dict[str, Any]]:
    """Each product in six colours and five sizes, and three products without variants."""
    rng = random.Random(seed)
    for number in range(products):
        kind, stuff = rng.choice(_KINDS), rng.choice(_STUFFS)
        brand, price = f"Brand {rng.randrange(12)}", rng.randint(10, 90)
        for at, (colour, size) in enumerate((c, s) for c in _COLOURS for s in _SIZES):
            yield {
                "id": f"P{number:03}-{at:02}",
                "sku": f"ART-{number:03}",
                "title": f"{stuff.title()} {kind} no. {number}, {colour}, {size}",
                "description": f"A {stuff} {kind} for every day, {colour}",
                "brand": brand,
                "category": f"Apparel > {kind.title()}s",
                "price": price + at % 7,
                "currency": "EUR",
                "lang": "en",
                "attributes": {"colour": colour, "size": size, "parent": f"P{number:03}"},
            }
        for at in range(3):  # products without variants
            yield {
                "id": f"S{number:03}-{at}",
                "title": f"{stuff.title()} {kind} {number}/{at}",
                "brand": brand,
                "price": price,
                "currency": "EUR",
                "lang": "en",
            }
