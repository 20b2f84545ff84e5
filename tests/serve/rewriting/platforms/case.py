"""A platform's index and searches, and what must hold for their answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

Body = dict[str, Any]

# The last two share no word with the products that they mean.
TEXTS = (
    "kettle", "running shoes", "waterproof", "wireless", "steel", "coffee maker", "men's shirt",
    "tent", "jogger footwear", "listen music quietly",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """A product of the sample catalogue."""

    number: int
    title: str
    description: str
    brand: str
    category: str
    price: float
    sku: str


def _anything(row: Row) -> bool:
    return True


@dataclass(frozen=True, kw_only=True)
class Case:
    """One search.

    Attributes:
        text: What the shopper typed; None: the search stays as it is.
        allowed: Whether the body's filters allow a product.
        sort: Key by which the products are sorted, ascending; None: by relevance.
        parameters: The query string.
    """

    body: Body
    text: str | None
    allowed: Callable[[Row], bool] = _anything
    sort: Callable[[Row], Any] | None = None
    parameters: str = ""


class Platform(NamedTuple):
    """A platform.

    Attributes:
        properties: The mapping of its index.
        document: A product as it indexes it.
        cases: Its searches.
    """

    form: str
    properties: Mapping[str, Any]
    document: Callable[[Row], Body]
    cases: Callable[[], Iterator[Case]]


@cache
def rows() -> tuple[Row, ...]:
    """The English products."""
    lines = files("es_hybrid.data").joinpath("products.jsonl").read_text("utf-8").splitlines()
    english = [row for row in map(json.loads, lines) if row["lang"] == "en"]
    return tuple(
        Row(
            number=number,
            title=row["title"],
            description=row["description"],
            brand=row["brand"],
            category=row["category"].partition(" > ")[0],
            price=float(row["price"]),
            sku=row["sku"],
        )
        for number, row in enumerate(english, 1)
    )


@cache
def categories() -> dict[str, int]:
    """Numbers of the categories, for platforms that index those."""
    names = sorted({row.category for row in rows()})
    return {name: number for number, name in enumerate(names, 1)}


@dataclass(frozen=True)
class Choice:
    """What a shopper has chosen.

    Attributes:
        brands: Any of these; empty: all.
        category: This one; None: all.
        price: Least and highest; None: any.
    """

    brands: tuple[str, ...] = ()
    category: str | None = None
    price: tuple[float, float] | None = None

    def __call__(self, row: Row) -> bool:
        if self.brands and row.brand not in self.brands:
            return False
        if self.category and row.category != self.category:
            return False
        return self.price is None or self.price[0] <= row.price <= self.price[1]


CHOICES = (
    Choice(),
    Choice(brands=("Kessla",)),
    Choice(brands=("Kessla", "Brioline", "Tarnholm")),
    Choice(category="Kitchen"),
    Choice(price=(10, 60)),
    Choice(brands=("Tarnholm", "Nike"), price=(20, 150)),
    Choice(category="Shoes", price=(0, 100)),
)


def searches() -> Iterator[tuple[str, Choice]]:
    """Texts with choices: every text, every choice, few of their combinations."""
    for number, text in enumerate(TEXTS):
        yield text, CHOICES[0]
        yield text, CHOICES[1 + number % (len(CHOICES) - 1)]
    for brand in ("Tarnholm", "Nike"):  # typed and chosen
        yield brand, Choice(brands=(brand,))
    for number, choice in enumerate(CHOICES[1:]):
        yield TEXTS[(3 * number + 1) % len(TEXTS)], choice
