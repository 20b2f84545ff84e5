"""The text of a product for the reranker: the text that was embedded, and its language."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from es_hybrid.index.document import embedded_text, product_of
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.nodes import DocumentText, ReadDocument


def reader(passport: Passport) -> ReadDocument:
    """A function that makes the text of a document of this index."""
    return partial(_read, passport)


def _read(passport: Passport, id_: str, source: Mapping[str, Any]) -> DocumentText:
    product = product_of(passport, id_, source)
    return DocumentText(embedded_text(passport, product), product.lang)
