"""The text that is embedded: a template over a product's fields, and its hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from es_hybrid.records import Product


def embedding_text(product: Product, *, template: Sequence[str], max_chars: int) -> str:
    """The product as one text, fields in the order of `template`, joined by `. `.

    The most telling fields stand first in a good template: a long text is cut at the end, at a
    white space where there is one in the last tenth.

    Args:
        template: Names of `Product` fields; empty fields are left out.
        max_chars: Characters, not tokens: what a tokenizer makes of them differs by language.
    """
    parts = (_as_text(product, name) for name in template)
    text = ". ".join(part for part in parts if part)
    if len(text) <= max_chars:
        return text
    cut = text.rfind(" ", max_chars - max_chars // 10, max_chars)
    return text[: cut if cut > 0 else max_chars]


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
