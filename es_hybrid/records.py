"""The product: a cleaned source row, before it becomes an index document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Product:
    """One sellable product in one language.

    Ids and trade item numbers are strings, because a GTIN may have leading zeros.

    Attributes:
        id: Stable document id, at most 512 bytes of UTF-8 (Elasticsearch's limit).
        title: Never blank.
        category: Path from the root to the leaf, e.g. `("Apparel", "T-Shirts")`.
        other_categories: Further paths, if the product is in several categories.
        price: In units of `currency`, finite and >= 0; None if the row has none.
        currency: ISO 4217 code, or empty.
        lang: BCP 47 tag, or empty if unknown.
        attributes: Other facts by name, each a short text or several.
    """

    id: str
    title: str
    sku: str = ""
    gtin: tuple[str, ...] = ()
    description: str = ""
    brand: str = ""
    category: tuple[str, ...] = ()
    other_categories: tuple[tuple[str, ...], ...] = ()
    price: float | None = None
    currency: str = ""
    lang: str = ""
    attributes: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)


# Field of a document that `align apply` writes the name of its group to.
GROUP_FIELD = "group_id"

# The fields of a source row and of a document. All paths are in the field `category`.
PRODUCT_FIELDS = tuple(each.name for each in fields(Product) if each.name != "other_categories")
