"""The document stores of langchain and haystack, each load in a separate process.

Their packages pin Elasticsearch's client below 9, so `make bench` installs them into a separate
virtual environment (see clients.txt). An 8.x client talks to a 9.x cluster through its
compatibility headers.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch

from benchmarks.command import print_missing
from benchmarks.rows import LookupEmbedder, made_documents
from es_hybrid.index.document import read_vector
from es_hybrid.settings import Settings

PYTHON = Path(sys.prefix, "clients/bin/python")
# Each store and the package that it needs.
STORES = {"langchain": "langchain_elasticsearch", "haystack": "haystack_integrations"}
# langchain's default name of the vector field. haystack's default is our name.
_LANGCHAIN_VECTOR = "vector"


class Timed(NamedTuple):
    """Seconds, measured inside the rival's process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Rivals:
    """The installed rivals, and the files with the rows and vectors that they load.

    Attributes:
        stores: Names of the installed stores.
        vectors: `.npy` of `[rows, dims]` float32, in the order of the rows.
    """

    stores: Sequence[str]
    rows: Path
    vectors: Path

    @classmethod
    def prepare(cls, settings: Settings, source: Path, embedder: LookupEmbedder) -> Rivals:
        """Find the installed rivals and write the vectors of our documents for them."""
        vectors = source.with_name("vectors.npy")
        field = settings.index.vector_field
        documents = made_documents(settings, source, embedder)
        np.save(vectors, np.stack([read_vector(document[field]) for _, document in documents]))
        return cls(_installed(), source, vectors)

    def load(self, store: str, threads: int, *, url: str, index: str) -> Timed:
        """Load the rows once into an existing index."""
        task = {
            "store": store,
            "threads": threads,
            "url": url,
            "index": index,
            "rows": str(self.rows),
            "vectors": str(self.vectors),
        }
        script = Path(__file__).with_name("rival_writers.py")
        done = subprocess.run(
            [PYTHON, script, json.dumps(task)], check=True, stdout=subprocess.PIPE, text=True
        )
        return Timed(**json.loads(done.stdout.splitlines()[-1]))


def rival_index(client: Elasticsearch, ours: str, store: str) -> None:
    """Replace our index by one for a rival's documents that costs Elasticsearch the same work.

    The vector field is mapped as ours. Rivals put all words into one text field and keep the row as
    metadata, whose fields are mapped for filtering only: both sides analyse each word once.
    """
    body: dict[str, Any] = client.indices.get(index=ours).body[ours]
    fields: dict[str, Any] = body["mappings"]["properties"]
    (vector_field,) = (name for name, field in fields.items() if field["type"] == "dense_vector")
    vector = fields.pop(vector_field)
    filterable = {
        name: {key: value for key, value in field.items() if key != "fields"}
        for name, field in fields.items()
        if field["type"] != "text"
    }
    text = {"type": "text"}
    properties: dict[str, Any] = (
        {"text": text, _LANGCHAIN_VECTOR: vector, "metadata": {"properties": filterable}}
        if store == "langchain"
        else {**filterable, "content": text, vector_field: vector}
    )
    client.indices.delete(index=ours)
    client.indices.create(
        index=ours,
        settings={"number_of_shards": 1, "number_of_replicas": 0},
        mappings={"dynamic": False, "properties": properties},
    )


def _installed() -> list[str]:
    """The stores that can be run; prints those that cannot."""
    found = []
    for store, package in STORES.items():
        code = f"import importlib.util, sys; sys.exit(not importlib.util.find_spec({package!r}))"
        if PYTHON.exists() and subprocess.run([PYTHON, "-c", code]).returncode == 0:
            found.append(store)
        else:
            print_missing(store)
    return found
