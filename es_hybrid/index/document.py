"""A product as an index document: its fields, its embedded text and its vector, and back."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from elasticsearch.helpers import pack_dense_vector
from numpy.typing import NDArray

from es_hybrid.index.passport import HASH_FIELD, Passport
from es_hybrid.records import Product

# First Elasticsearch version that accepts vectors as base64: a quarter of the bytes of a list of
# numbers, serialized in a tenth of the time.
PACKED_VECTORS_SINCE = (9, 3)


def to_document(
    product: Product, *, text_hash: str, hash_field: str = HASH_FIELD
) -> dict[str, Any]:
    """The `_source` of one product without its vector; the fields of `mappings/products.json`.

    Args:
        text_hash: Hash of the embedded text, see `text_hash`.
        hash_field: Field for the hash.
    """
    document: dict[str, Any] = {
        "title": product.title,
        "sku": product.sku,
        "gtin": list(product.gtin),
        "description": product.description,
        "brand": product.brand,
        "category": with_parents((product.category, *product.other_categories)),
        "price": product.price,
        "currency": product.currency,
        "lang": product.lang,
        "attributes": {
            name: value if isinstance(value, str) else list(value)
            for name, value in product.attributes.items()
        },
    }
    filled = {name: value for name, value in document.items() if value not in ("", [], {}, None)}
    return filled | {hash_field: text_hash}


def from_document(id_: str, source: Mapping[str, Any]) -> Product:
    """Rebuild the product from a document's id and `_source`; a null counts as absent."""
    source = _without_nulls(source)
    category, *others = _leaves(source.get("category") or ()) or [()]
    return Product(
        id=id_,
        title=source.get("title", ""),
        sku=source.get("sku", ""),
        gtin=tuple(source.get("gtin", ())),
        description=source.get("description", ""),
        brand=source.get("brand", ""),
        category=category,
        other_categories=tuple(others),
        price=source.get("price"),
        currency=source.get("currency", ""),
        lang=source.get("lang", ""),
        attributes={
            name: tuple(value) if isinstance(value, list) else value
            for name, value in _without_nulls(source.get("attributes", {})).items()
        },
    )


def product_of(passport: Passport | None, id_: str, source: Mapping[str, Any]) -> Product:
    """The product in a document, read from es-hybrid's own fields or the shop's."""
    if passport is None or passport.shop is None:
        return from_document(id_, source)
    return passport.shop.product(id_, source)


def embedded_text(passport: Passport, product: Product) -> str:
    """The text of a product that an index embeds and a reranker reads."""
    return embedding_text(
        product, template=passport.text_template, max_chars=passport.text_max_chars
    )


def embedding_text(product: Product, *, template: Sequence[str], max_chars: int) -> str:
    """`whole_text`, truncated to `max_chars`, at a space if the last tenth contains one.

    A template should start with the most informative fields, since truncation drops the end.

    Args:
        max_chars: Limit in characters, not tokens: tokens per character vary by language.
    """
    return truncated(whole_text(product, template=template), max_chars)


def truncated(text: str, max_chars: int) -> str:
    """A text truncated as `embedding_text` does; shorter texts are returned as they are."""
    if len(text) <= max_chars:
        return text
    cut = text.rfind(" ", max_chars - max_chars // 10, max_chars)
    return text[: cut if cut > 0 else max_chars]


def whole_text(product: Product, *, template: Sequence[str]) -> str:
    """The product's fields in the order of `template`, joined by `. `.

    Args:
        template: Names of `Product` fields; empty fields are omitted.
    """
    return ". ".join([part for name in template if (part := _as_text(product, name))])


def text_hash(text: str) -> str:
    """SHA-256 of the embedded text, 64 hexadecimal digits.

    Stored next to the vector; as long as it matches, the vector is current.
    """
    return hashlib.sha256(text.encode()).hexdigest()


def write_vector(vector: NDArray[np.float32], *, packed: bool) -> str | list[float]:
    """A vector as stored in a document.

    Args:
        vector: `[dims]` float32.
        packed: As base64 of big-endian floats; see `PACKED_VECTORS_SINCE`.
    """
    return pack_dense_vector(vector) if packed else numbers_of(vector)


def numbers_of(vector: NDArray[np.float32]) -> list[float]:
    """A `[dims]` float32 vector for JSON, each number with as few digits as float32 needs.

    `tolist` gives the digits of a double, of which Elasticsearch drops half: 4096 dims take 52 kB
    this way and 88 kB that way.
    """
    whole = np.ascontiguousarray(vector, dtype=np.float32)  # orjson rejects strided views
    numbers: list[float] = orjson.loads(orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY))
    return numbers


def read_vector(stored: str | Sequence[float]) -> NDArray[np.float32]:
    """A `[dims]` float32 vector from a document, in either form."""
    if isinstance(stored, str):
        return np.frombuffer(base64.b64decode(stored), dtype=">f4").astype(np.float32)
    return np.asarray(stored, dtype=np.float32)


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop nulls: a partial update removes a field by setting it to null."""
    return {name: value for name, value in values.items() if value is not None}


def with_parents(paths: Sequence[tuple[str, ...]]) -> list[str]:
    """Each path and its parents once, from the root: a filter by any of them finds the product."""
    joined = (" > ".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1))
    return list(dict.fromkeys(joined))


def _leaves(paths: str | Sequence[str]) -> list[tuple[str, ...]]:
    """The paths that are no parent of another one."""
    texts = [paths] if isinstance(paths, str) else paths
    parents = {text.rpartition(" > ")[0] for text in texts}
    leaves = (text.split(" > ") for text in texts if text not in parents)
    return [path for leaf in leaves if (path := tuple(filter(None, leaf)))]


def _as_text(product: Product, name: str) -> str:
    if name == "category":
        return " ".join(product.category)
    if name == "attributes":
        return ", ".join(
            f"{key}: {value if isinstance(value, str) else ', '.join(value)}"
            for key, value in product.attributes.items()
        )
    if name == "price":
        return "" if product.price is None else f"{product.price:g} {product.currency}".strip()
    return str(getattr(product, name)).rstrip(". ")
