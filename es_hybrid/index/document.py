"""A product and its vector as an index document, and back."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from elasticsearch.helpers import pack_dense_vector
from numpy.typing import NDArray

from es_hybrid.index.passport import Passport
from es_hybrid.index.text import embedding_text
from es_hybrid.records import Product

# From here on Elasticsearch reads a vector as base64: a quarter of the bytes of a list of numbers,
# and a tenth of the time to write it.
PACKED_VECTORS_SINCE = (9, 3)


def to_document(product: Product, *, text_hash: str) -> dict[str, Any]:
    """The `_source` of one product less its vector; the fields of `mappings/products.json`.

    Args:
        text_hash: Of the text that is embedded, see `index.text.text_hash`.
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
    return filled | {"text_hash": text_hash}


def write_vector(vector: NDArray[np.float32], *, packed: bool) -> str | list[float]:
    """A vector as it stands in a document.

    Args:
        vector: `[dims]` float32.
        packed: As base64 of big-endian floats; see `PACKED_VECTORS_SINCE`.
    """
    return pack_dense_vector(vector) if packed else numbers_of(vector)


def numbers_of(vector: NDArray[np.float32]) -> list[float]:
    """A `[dims]` float32 vector for JSON: of each number the shortest decimal that means it.

    `tolist` gives the digits of a double, of which Elasticsearch keeps the first half: 4096 dims
    are 52 kB like this, 88 kB like that.
    """
    whole = np.ascontiguousarray(vector, dtype=np.float32)  # orjson writes no views with gaps
    numbers: list[float] = orjson.loads(orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY))
    return numbers


def read_vector(stored: str | Sequence[float]) -> NDArray[np.float32]:
    """A vector from a document, in either form: `[dims]` float32."""
    if isinstance(stored, str):
        return np.frombuffer(base64.b64decode(stored), dtype=">f4").astype(np.float32)
    return np.asarray(stored, dtype=np.float32)


def from_document(id_: str, source: Mapping[str, Any]) -> Product:
    """The product again, from a document's id and `_source`; a null counts as absent."""
    source = _without_nulls(source)
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
        attributes=_without_nulls(source.get("attributes", {})),
    )


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    """What a partial write took away stands in the document as a null."""
    return {name: value for name, value in values.items() if value is not None}


def product_of(passport: Passport | None, id_: str, source: Mapping[str, Any]) -> Product:
    """The product in a document, in a load's form or in the one that the passport tells."""
    if passport is None or passport.shop is None:
        return from_document(id_, source)
    return passport.shop.product(id_, source)


def embedded_text(passport: Passport, product: Product) -> str:
    """The text of a product that is embedded and that a reranker reads."""
    return embedding_text(
        product,
        template=passport.text_template,
        max_chars=passport.text_max_chars,
    )
