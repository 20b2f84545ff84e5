"""A product and its vector as an index document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from elasticsearch.helpers import pack_dense_vector
from numpy.typing import NDArray

from es_hybrid.records import Product


def to_document(
    product: Product,
    *,
    vector: NDArray[np.float32],
    vector_field: str,
    text_hash: str,
    packed: bool = True,
) -> dict[str, Any]:
    """The `_source` of one product; the fields of `mappings/products.json`.

    Args:
        vector: `[dims]` float32.
        text_hash: Of the text that was embedded, see `index.text.text_hash`.
        packed: Write the vector as base64 of big-endian floats: a quarter of the bytes of a list
            of numbers, and a tenth of the time. Elasticsearch reads it from 9.3 on.
    """
    document: dict[str, Any] = {
        "title": product.title,
        "sku": product.sku,
        "gtin": list(product.gtin),
        "description": product.description,
        "brand": product.brand,
        "category": product.category_paths(),
        "price": product.price,
        "currency": product.currency,
        "lang": product.lang,
        "attributes": dict(product.attributes),
    }
    filled = {name: value for name, value in document.items() if value not in ("", [], {}, None)}
    written = pack_dense_vector(vector) if packed else vector.tolist()
    return filled | {"text_hash": text_hash, vector_field: written}


def from_document(id_: str, source: Mapping[str, Any]) -> Product:
    """The product again, from a document's id and `_source`."""
    paths = source.get("category") or [""]
    deepest = paths if isinstance(paths, str) else paths[-1]
    return Product(
        id=id_,
        title=source.get("title", ""),
        sku=source.get("sku", ""),
        gtin=tuple(source.get("gtin", ())),
        description=source.get("description", ""),
        brand=source.get("brand", ""),
        category=tuple(part for part in deepest.split(" > ") if part),
        price=source.get("price"),
        currency=source.get("currency", ""),
        lang=source.get("lang", ""),
        attributes=source.get("attributes", {}),
    )
