"""The text that is embedded: a template over a product's fields, and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from es_hybrid.records import Product


def embedding_text(product: Product, *, template: Sequence[str], max_chars: int) -> str:
    """`whole_text`, cut where it is too long: at a white space if there is one in the last tenth.

    The most telling fields stand first in a good template, since the end is what goes.

    Args:
        max_chars: Characters, not tokens: what a tokenizer makes of them differs by language.
    """
    text = whole_text(product, template=template)
    if len(text) <= max_chars:
        return text
    cut = text.rfind(" ", max_chars - max_chars // 10, max_chars)
    return text[: cut if cut > 0 else max_chars]


def whole_text(product: Product, *, template: Sequence[str]) -> str:
    """The product as one text, fields in the order of `template`, joined by `. `.

    Args:
        template: Names of `Product` fields; empty fields are left out.
    """
    parts = (_as_text(product, name) for name in template)
    return ". ".join(part for part in parts if part)


def text_hash(text: str) -> str:
    """SHA-256 of the embedded text, 64 hexadecimal digits.

    Stored beside the vector: while it is unchanged, so is the vector.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def _as_text(product: Product, name: str) -> str:
    if name == "category":
        return " ".join(product.category)
    if name == "attributes":
        return ", ".join(f"{key}: {value}" for key, value in product.attributes.items())
    if name == "price":
        return "" if product.price is None else f"{product.price:g} {product.currency}".strip()
    return str(getattr(product, name)).rstrip(". ")
