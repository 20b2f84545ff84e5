"""One load by a rival's document store, timed in its own process; run by `benchmarks.rivals`.

    python rival_writers.py '{"store": …, "url": …, "index": …, "rows": …, "vectors": …, …}'

Runs in a separate virtual environment because the stores pin an older client, so it imports nothing
from es-hybrid. Prints `{"wall": seconds, "cpu": seconds}`. Vectors are lists of numbers, as
embedding APIs return them, and are loaded before the clock starts. The timed part reads the rows'
file, builds documents and writes them. There is no refresh, the serializer is orjson, and each
thread writes 500 documents at a time.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import orjson
from elasticsearch import Elasticsearch
from elasticsearch.serializer import OrjsonSerializer

_BATCH = 500
# (row, text, vector)
Item = tuple[dict[str, Any], str, list[float]]
Write = Callable[[list[Item]], None]


def langchain(client: Elasticsearch, index: str) -> Write:
    """`ElasticsearchStore.add_embeddings`."""
    from langchain_elasticsearch import ElasticsearchStore

    store = ElasticsearchStore(index_name=index, client=client)

    def write(items: list[Item]) -> None:
        store.add_embeddings(
            [(text, vector) for _, text, vector in items],
            metadatas=[row for row, _, _ in items],
            ids=[row["id"] for row, _, _ in items],
            refresh_indices=False,
            create_index_if_not_exists=False,
            bulk_kwargs={"chunk_size": _BATCH},
        )

    return write


def haystack(client: Elasticsearch, index: str) -> Write:
    """`ElasticsearchDocumentStore.write_documents`."""
    from haystack import Document
    from haystack.document_stores.types import DuplicatePolicy
    from haystack_integrations.document_stores.elasticsearch import ElasticsearchDocumentStore

    store = ElasticsearchDocumentStore(index=index)
    # The store would create the same client and call `GET /`, which the embedded node lacks.
    store._client = client

    def write(items: list[Item]) -> None:
        documents = [
            Document(id=row.pop("id"), content=text, embedding=vector, meta=row)
            for row, text, vector in items
        ]
        store.write_documents(documents, policy=DuplicatePolicy.OVERWRITE, refresh=False)

    return write


def _items(rows: str, vectors: list[list[float]]) -> Iterator[Item]:
    with open(rows, "rb") as lines:  # noqa: PTH123
        for line, vector in zip(lines, vectors, strict=True):
            row = orjson.loads(line)
            parts = (row.get(name) for name in ("title", "brand", "category", "description"))
            yield row, ". ".join(str(part) for part in parts if part), vector


def main() -> None:
    """Run one load and print its times."""
    task = json.loads(sys.argv[1])
    vectors = np.load(task["vectors"]).tolist()
    serializers = {"application/json": OrjsonSerializer()}
    client = Elasticsearch(task["url"], request_timeout=120, serializers=serializers)
    write = {"langchain": langchain, "haystack": haystack}[task["store"]](client, task["index"])
    client.count(index=task["index"])  # connect before the clock starts
    started, cpu = time.perf_counter(), time.process_time()
    items = _items(task["rows"], vectors)
    with ThreadPoolExecutor(task["threads"]) as pool:
        batches = iter(lambda: list(itertools.islice(items, _BATCH)), [])
        writes = [pool.submit(write, batch) for batch in batches]
        for future in writes:
            future.result()
    wall, spent = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"wall": wall, "cpu": spent}))


if __name__ == "__main__":
    main()
