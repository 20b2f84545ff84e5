"""Hybrid, multilingual product search for shops that already run on Elasticsearch.

```python
from es_hybrid import HybridSearch, load_settings

settings = load_settings()  # es-hybrid.toml and ES_HYBRID_*
with HybridSearch.open(settings) as shop:
    found = shop.search("chemise d'été légère", filters={"price": {"lt": 60}}, facets=["lang"])
    for hit in found.hits:
        print(hit.rank, hit.source["title"], hit.source["price"])
    print(found.total, found.facets["lang"], found.degraded)
    words = {"standard": {"query": {"match": {"title": "kettle"}}}}
    print([hit["_id"] for hit in shop.retrieve(words, size=3).hits])
```

Only the names in docs/api.md are public. Every other module and name may change in any release.
Public names are imported on first use, so `import es_hybrid` is fast.
"""

from __future__ import annotations

import importlib
import logging
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from es_hybrid.embedding import Embedder, EmbedderIdentity, open_embedder
    from es_hybrid.errors import EsHybridError
    from es_hybrid.index.lifecycle import create_index, describe_index
    from es_hybrid.records import Product
    from es_hybrid.reranking import Reranker, open_reranker, rerank
    from es_hybrid.retrieval.request import SearchRequest
    from es_hybrid.retrieval.response import Hit, SearchResponse
    from es_hybrid.retrieval.similar import SimilarResponse
    from es_hybrid.search import AsyncHybridSearch, HybridSearch
    from es_hybrid.settings import Settings, load_settings
    from es_hybrid.suggesting.suggestion import Suggestion

__all__ = [
    "AsyncHybridSearch",
    "Embedder",
    "EmbedderIdentity",
    "EsHybridError",
    "Hit",
    "HybridSearch",
    "Product",
    "Reranker",
    "SearchRequest",
    "SearchResponse",
    "Settings",
    "SimilarResponse",
    "Suggestion",
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
    "SearchRequest": "retrieval.request",
    "SearchResponse": "retrieval.response",
    "Settings": "settings",
    "SimilarResponse": "retrieval.similar",
    "Suggestion": "suggesting.suggestion",
    "create_index": "index.lifecycle",
    "describe_index": "index.lifecycle",
    "load_settings": "settings",
    "open_embedder": "embedding",
    "open_reranker": "reranking",
    "rerank": "reranking",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())

# Since 1.29 ONNX Runtime reports its use to Microsoft and writes an identifier to the temporary
# folder, unless this is set before it is imported.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def __getattr__(name: str) -> Any:
    """Load a public name from its module (PEP 562)."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
