"""Hybrid, multilingual product search for shops that already run on Elasticsearch.

The public names load what they need when they are first used: importing the package costs nothing.
"""

from __future__ import annotations

import importlib
import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from es_hybrid.embedding import Embedder, EmbedderIdentity, open_embedder
    from es_hybrid.errors import EsHybridError
    from es_hybrid.index.lifecycle import create_index, describe_index
    from es_hybrid.records import Product
    from es_hybrid.reranking import Reranker, open_reranker, rerank
    from es_hybrid.retrieval.response import Hit, SearchResponse
    from es_hybrid.search import AsyncHybridSearch, HybridSearch
    from es_hybrid.settings import Settings, load_settings

__all__ = [
    "AsyncHybridSearch",
    "Embedder",
    "EmbedderIdentity",
    "EsHybridError",
    "Hit",
    "HybridSearch",
    "Product",
    "Reranker",
    "SearchResponse",
    "Settings",
    "create_index",
    "describe_index",
    "load_settings",
    "open_embedder",
    "open_reranker",
    "rerank",
]

_HOME = {
    "AsyncHybridSearch": "search",
    "Embedder": "embedding",
    "EmbedderIdentity": "embedding",
    "EsHybridError": "errors",
    "Hit": "retrieval.response",
    "HybridSearch": "search",
    "Product": "records",
    "Reranker": "reranking",
    "SearchResponse": "retrieval.response",
    "Settings": "settings",
    "create_index": "index.lifecycle",
    "describe_index": "index.lifecycle",
    "load_settings": "settings",
    "open_embedder": "embedding",
    "open_reranker": "reranking",
    "rerank": "reranking",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
