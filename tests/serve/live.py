"""A small index on the real node, searches of it, and a recorder in front of the node."""

from __future__ import annotations

import json
from typing import Any

from elasticsearch import Elasticsearch

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.node import EmbeddedNode
from tests.fakes.http import Answer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import Got, ask

JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}
PRODUCTS = "test-serve-products"
LEAF: dict[str, Any] = {"standard": {"query": {"match": {"title": "red"}}}}
RRF = {"rrf": {"retrievers": [LEAF, {"standard": {"query": {"match_all": {}}}}]}}
AGGS = {
    "brand": {"terms": {"field": "brand"}, "aggs": {"price": {"avg": {"field": "price"}}}},
    "cheap": {"filters": {"filters": {"yes": {"range": {"price": {"lt": 2}}}}}},
}
OWN_QUERY = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "red", "rerank": False}}}


def make_index(es: Elasticsearch, name: str, identity: EmbedderIdentity) -> None:
    passport = {
        "vector_field": "embedding",
        "model": identity.model,
        "revision": identity.revision,
        "dims": identity.dims,
        "similarity": "cosine",
        "query_instruction": "",
        "text_template": ["title"],
        "text_max_chars": 100,
    }
    properties = {
        "title": {"type": "text"},
        "brand": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "category": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "description": {"type": "text"},
        "sku": {"type": "keyword", "fields": {"text": {"type": "text"}}},
        "gtin": {"type": "keyword"},
        "lang": {"type": "keyword"},
        "price": {"type": "double"},
        "embedding": {"type": "dense_vector", "dims": identity.dims, "similarity": "cosine"},
    }
    es.indices.create(
        index=name, mappings={"_meta": {"es_hybrid": passport}, "properties": properties}
    )
    embedder = FakeEmbedder()
    for number, (title, brand) in enumerate(
        [("red shoe", "a"), ("red hat", "a"), ("blue hat of felt", "b")], 1
    ):
        document = {
            "title": title,
            "brand": brand,
            "price": number,
            "embedding": embedder.embed_query(title).tolist()[: identity.dims],
        }
        es.index(index=name, id=str(number), document=document)
    es.indices.refresh(index=name)


def search(url: str, index: str, body: Any, query: str = "", **headers: str) -> Got:
    return ask(url, f"/{index}/_search{query}", method="POST", body=body, headers=headers)


def msearch_lines(*parts: Any) -> bytes:
    return b"".join(json.dumps(part).encode() + b"\n" for part in parts)


def ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


class Recorder:
    """Records what reaches the real node, which lets everyone but the stranger read mappings."""

    def __init__(self, node: EmbeddedNode) -> None:
        self._node = node

    def __call__(self, seen: Request) -> Answer:
        if "_mapping" in seen.target and seen.header("Authorization") == "Basic stranger":
            error = {"type": "security_exception", "reason": "no"}
            body = {"error": {"root_cause": [error], **error}, "status": 403}
            return json_answer(403, body)
        got = ask(
            self._node.url,
            seen.target,
            method=seen.method,
            body=seen.body,
            headers={"Content-Type": seen.header("Content-Type") or JSON["Content-Type"]},
        )
        return Answer(got.status, got.body, JSON)
