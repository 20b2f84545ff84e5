"""Search frameworks, unmodified: each indexes the same texts and searches them.

    python frameworks.py langchain|llama_index|haystack URL INDEX

Runs in an environment of its own (`clients.txt`), because the frameworks pin an older client, so it
imports nothing from es-hybrid. Prints the texts that each search found, as JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from typing import Any

# Text -> its vector.
ROWS = {
    "red linen shirt": [1.0, 0.0, 0.0],
    "blue linen shirt with long sleeves": [0.8, 0.6, 0.0],
    "espresso machine": [0.0, 1.0, 0.0],
    "french press": [0.3, 0.95, 0.0],
}
TEXT = "linen"
QUERY = [0.0, 1.0, 0.0]

Found = dict[str, list[str]]


def _brand(text: str) -> dict[str, str]:
    return {"brand": "acme" if "shirt" in text else "brew"}


def langchain(url: str, index: str) -> Found:
    """`ElasticsearchStore` with its hybrid strategy, and `ElasticsearchRetriever`."""
    from langchain_core.embeddings import Embeddings
    from langchain_elasticsearch import (
        DenseVectorStrategy,
        ElasticsearchRetriever,
        ElasticsearchStore,
    )

    class Stub(Embeddings):  # type: ignore[misc]
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return [ROWS[text] for text in texts]

        def embed_query(self, text: str) -> list[float]:
            return QUERY

    def bare_line(text: str) -> dict[str, Any]:
        extension = {"text": text, "vector_field": "vector"}
        return {"query": {"match": {"text": text}}, "ext": {"es_hybrid": extension}}

    strategy = DenseVectorStrategy(hybrid=True, text_field="text")
    store = ElasticsearchStore(index_name=index, es_url=url, embedding=Stub(), strategy=strategy)
    ids = [str(number) for number in range(len(ROWS))]
    store.add_texts(list(ROWS), metadatas=list(map(_brand, ROWS)), ids=ids)
    only_brew = [{"term": {"metadata.brand.keyword": "brew"}}]
    found = {
        "hybrid": store.similarity_search(TEXT, k=4),
        "filtered": store.similarity_search(TEXT, k=4, filter=only_brew),
        "bare_line": ElasticsearchRetriever(
            es_url=url, index_name=index, body_func=bare_line, content_field="text"
        ).invoke(TEXT),
    }
    return {name: [hit.page_content for hit in hits] for name, hits in found.items()}


def llama_index(url: str, index: str) -> Found:
    """`ElasticsearchStore` in its hybrid mode."""
    from elasticsearch.helpers.vectorstore import AsyncDenseVectorStrategy
    from llama_index.core.schema import TextNode
    from llama_index.core.vector_stores import ExactMatchFilter, MetadataFilters, VectorStoreQuery
    from llama_index.core.vector_stores.types import VectorStoreQueryMode
    from llama_index.vector_stores.elasticsearch import ElasticsearchStore

    async def search(store: Any, filters: Any) -> list[str]:
        query = VectorStoreQuery(
            query_str=TEXT,
            query_embedding=QUERY,
            similarity_top_k=4,
            mode=VectorStoreQueryMode.HYBRID,
            filters=filters,
        )
        return [node.get_content() for node in (await store.aquery(query)).nodes]

    async def all_searches() -> Found:
        strategy = AsyncDenseVectorStrategy(hybrid=True, text_field="content")
        store = ElasticsearchStore(index_name=index, es_url=url, retrieval_strategy=strategy)
        nodes = [
            TextNode(id_=str(number), text=text, embedding=vector, metadata=_brand(text))
            for number, (text, vector) in enumerate(ROWS.items())
        ]
        await store.async_add(nodes)
        only_brew = MetadataFilters(filters=[ExactMatchFilter(key="brand", value="brew")])
        found = {"hybrid": await search(store, None), "filtered": await search(store, only_brew)}
        await store._store.close()  # its own `close` needs an event loop that does not run
        return found

    return asyncio.run(all_searches())


def haystack(url: str, index: str) -> Found:
    """`ElasticsearchHybridRetriever`, which fuses two searches by itself."""
    from haystack import Document, component
    from haystack_integrations.components.retrievers.elasticsearch import (
        ElasticsearchHybridRetriever,
    )
    from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore

    @component
    class Stub:
        @component.output_types(embedding=list[float])  # type: ignore[untyped-decorator]
        def run(self, text: str) -> dict[str, list[float]]:
            return {"embedding": QUERY}

    store = ElasticsearchDocumentStore(
        hosts=url, index=index, embedding_similarity_function="cosine"
    )
    store.write_documents(
        [Document(id=text, content=text, embedding=vector) for text, vector in ROWS.items()]
    )
    retriever = ElasticsearchHybridRetriever(
        store, embedder=Stub(), top_k_bm25=4, top_k_embedding=4
    )
    return {"hybrid": [hit.content for hit in retriever.run(query=TEXT)["documents"]]}


FRAMEWORKS: dict[str, Callable[[str, str], Found]] = {
    "langchain": langchain,
    "llama_index": llama_index,
    "haystack": haystack,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(FRAMEWORKS[sys.argv[1]](*sys.argv[2:])))
