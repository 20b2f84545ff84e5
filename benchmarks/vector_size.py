"""The sizing formula (`es_hybrid.index.cost`) compared with the sizes that Elasticsearch reports.

    python -m benchmarks.vector_size [--documents 200000] [--real 5000] [--dims 128]

One index of vectors alone for each type, merged to one segment. Vectors are those of real products
with seeded noise (see `varied_products`), cut to the dims: the graph of random ones has other
links. Elasticsearch reports the bytes of the files that a search maps into memory
(`_stats/dense_vector`): float vectors (.vec), quantised ones (.veq, .veb) and graph (.vex).
"""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Mapping

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import pack_dense_vector, parallel_bulk
from elasticsearch.serializer import OrjsonSerializer
from numpy.typing import NDArray

from benchmarks.command import Options, parse_arguments
from benchmarks.varied_products import VariedProducts
from es_hybrid.embedding import open_embedder
from es_hybrid.index.cost import vector_cost
from es_hybrid.settings import Settings, VectorIndexType
from training.data import CHORUS, SAMPLE, cluster

INDEX = "bench-vector-size"
# `bbq_disk` needs an Enterprise licence.
TYPES: tuple[VectorIndexType, ...] = ("hnsw", "int8_hnsw", "int4_hnsw", "bbq_hnsw")
FILES = {"raw": ("vec",), "quantised": ("veq", "veb"), "graph": ("vex",)}


def real_vectors(count: int) -> VariedProducts:
    """The first products of the catalogue with the vectors of the embedded encoder."""
    with (CHORUS if CHORUS.exists() else SAMPLE).joinpath("products.jsonl").open("rb") as lines:
        rows = [json.loads(line) for line in itertools.islice(lines, count)]
    settings = Settings()
    return VariedProducts.of(settings, rows, open_embedder(settings.embedding))


def cut(vector: NDArray[np.float32], dims: int) -> NDArray[np.float32]:
    """The first `dims` of a vector, of length 1."""
    return vector[:dims] / np.linalg.norm(vector[:dims])


def measured(
    client: Elasticsearch, kind: VectorIndexType, products: VariedProducts, options: Options
) -> Mapping[str, int]:
    """Bytes of the vectors and the graph of a fresh index."""
    vector = {
        "type": "dense_vector",
        "dims": options.dims,
        "similarity": "cosine",
        "index_options": {"type": kind},
    }
    client.indices.delete(index=INDEX, ignore_unavailable=True)
    client.indices.create(
        index=INDEX,
        settings={"number_of_replicas": 0, "refresh_interval": "-1"},
        mappings={"dynamic": False, "properties": {"embedding": vector}},
    )
    actions = (
        {"_index": INDEX, "embedding": pack_dense_vector(cut(each, options.dims))}
        for each in products.varied_vectors(options.documents)
    )
    for _ in parallel_bulk(client, actions, thread_count=2, chunk_size=1000):
        pass
    client.indices.forcemerge(index=INDEX, max_num_segments=1)
    client.indices.refresh(index=INDEX)
    return vector_bytes(client, INDEX)


def vector_bytes(client: Elasticsearch, index: str) -> dict[str, int]:
    """Part of the formula -> bytes of its files in the index."""
    stats = client.indices.stats(index=index, metric="dense_vector")["_all"]["primaries"]
    sizes = stats["dense_vector"]["off_heap"]
    return {
        part: sum(sizes[f"total_{suffix}_size_bytes"] for suffix in suffixes)
        for part, suffixes in FILES.items()
    }


def report(
    kind: VectorIndexType, found: Mapping[str, int], seconds: float, options: Options
) -> None:
    """Print formula and files of each part, in bytes per document."""
    cost = vector_cost(kind, documents=options.documents, dims=options.dims)
    cells = ""
    for part, size in found.items():
        cells += f"{getattr(cost, part) / options.documents:>12.1f}{size / options.documents:>9.1f}"
    load = "/".join(f"{average:.1f}" for average in os.getloadavg())
    print(f"{kind:<11}{cells}{seconds:>9.0f}   {load}", flush=True)
    options.print_ratio(f"vector_size_{kind}_to_formula", sum(found.values()) / cost.disk)


def main() -> None:
    """Write, merge, compare."""
    options = parse_arguments(
        __doc__, elasticsearch=True, documents=(200_000, 500), real=(5000, 40), dims=(128, 64)
    )
    products = real_vectors(options.real)
    print(f"{options.documents:,} vectors of {options.dims} dims; bytes per document")
    print(f"{'':<11}" + "".join(f"{part:>12}{'files':>9}" for part in FILES) + f"{'s':>9}   load")
    with (
        cluster(options.url, heap="1g") as url,
        Elasticsearch(
            url, request_timeout=3600, serializers={"application/json": OrjsonSerializer()}
        ) as client,
    ):
        for kind in TYPES:
            start = time.perf_counter()
            found = measured(client, kind, products, options)
            report(kind, found, time.perf_counter() - start, options)


if __name__ == "__main__":
    main()
