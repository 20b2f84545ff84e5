"""What is suggested, and in which order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from es_hybrid.understanding.plain import plain

Kind = Literal["brand", "category", "product"]

_ORDER: tuple[Kind, ...] = ("brand", "category", "product")
# Share of a list for brands, and for categories, as long as there are products for the rest.
_VALUES_SHARE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """Something that the typed letters may be the beginning of.

    Attributes:
        kind: `brand`, `category` or `product`. Ignore others: logged queries may become a kind.
        text: A product's title, a brand, or the path of a category: `Apparel > T-Shirts`.
        highlight: The text as HTML, escaped, with what was typed inside `<em>`.
        id: Id of the product; empty for other kinds.
        filters: For a search: those of the brand or category; empty for a product.
        count: Number of products of the brand or category, as of the last `index learn` or load;
            None for a product.
    """

    kind: Kind
    text: str
    highlight: str = ""
    id: str = ""
    filters: Mapping[str, Any] = field(default_factory=dict)
    count: int | None = None


def mixed(found: Iterable[Suggestion], size: int) -> list[Suggestion]:
    """Brands, then categories, then products, in their given order and without repeated texts.

    Brands and categories may each take a quarter of the list, and what products leave free.
    """
    by_kind: dict[Kind, dict[str, Suggestion]] = {kind: {} for kind in _ORDER}
    for each in found:
        by_kind[each.kind].setdefault(plain(each.text), each)
    brands, categories, products = (list(each.values()) for each in by_kind.values())
    share = max(1, size // _VALUES_SHARE)
    first = [*brands[:share], *categories[:share], *products]
    chosen = [*first, *brands[share:], *categories[share:]][:size]
    return sorted(chosen, key=lambda each: _ORDER.index(each.kind))
