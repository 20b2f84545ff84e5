"""What a reranker reads of a product: the text that was embedded, and in which language it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from es_hybrid.index.document import embedding_text_of, product_of
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.plan import DocumentText


def reader(passport: Passport) -> Callable[[str, Mapping[str, Any]], DocumentText]:
    """Of the documents of an index: from id and `_source` to what is read."""
    return partial(_read, passport)


def _read(passport: Passport, id_: str, source: Mapping[str, Any]) -> DocumentText:
    product = product_of(passport, id_, source)
    return DocumentText(embedding_text_of(passport, product), product.lang)
