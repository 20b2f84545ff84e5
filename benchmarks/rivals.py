"""The document stores of langchain and haystack, each load in a process of its own.

Their packages pin Elasticsearch's client below 9, so they live in a virtual environment beside
ours, which is made once in the user's cache folder. An 8.x client speaks to a 9.x cluster through
its compatibility headers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch
from platformdirs import user_cache_path

from benchmarks.rows import LookupEmbedder, made_documents
from es_hybrid.index.document import read_vector
from es_hybrid.settings import Settings

REQUIREMENTS = (
    "langchain-elasticsearch==1.0.0",
    "elasticsearch-haystack==7.1.0",
    "numpy",
    "orjson",
)
STORES = ("langchain", "haystack")
# What langchain calls its fields when nobody says otherwise; haystack's is ours.
_LANGCHAIN_VECTOR = "vector"


class Timed(NamedTuple):
    """Seconds from inside of the rival's process."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Rivals:
    """The rows and vectors on the disk, and who loads them.

    Attributes:
        python: Of their virtual environment.
        vectors: `.npy` of `[rows, dims]` float32, in the order of the rows.
    """

    python: Path
    rows: Path
    vectors: Path

    @classmethod
    def prepare(cls, settings: Settings, source: Path, embedder: LookupEmbedder) -> Rivals:
        """Install them if need be, and write the vectors that our documents have."""
        vectors = source.with_name("vectors.npy")
        field = settings.index.vector_field
        documents = made_documents(settings, source, embedder)
        np.save(vectors, np.stack([read_vector(document[field]) for _, document in documents]))
        return cls(_environment(), source, vectors)

    def load(self, store: str, threads: int, *, url: str, index: str) -> Timed:
        """One load into an index that is there."""
        told = {
            "store": store,
            "threads": threads,
            "url": url,
            "index": index,
            "rows": str(self.rows),
            "vectors": str(self.vectors),
        }
        script = Path(__file__).with_name("rival_writers.py")
        done = subprocess.run(
            [self.python, script, json.dumps(told)], check=True, stdout=subprocess.PIPE, text=True
        )
        return Timed(**json.loads(done.stdout.splitlines()[-1]))


def rival_index(client: Elasticsearch, ours: str, store: str) -> None:
    """Make our index anew, with the same work in it, as a rival's documents are laid out.

    The vector field is ours. Rivals have all words in one text field and the row beside it, so the
    fields of the row are mapped as what can be filtered: each word is analysed once on both sides.
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


def _environment() -> Path:
    """The Python of their virtual environment, made when it is first asked for."""
    folder = user_cache_path("es-hybrid") / "benchmark-rivals"
    python = folder / "bin/python"
    wanted = "\n".join(REQUIREMENTS)
    done = folder / "installed"
    if not done.exists() or done.read_text("utf-8") != wanted:
        print(f"installing {', '.join(REQUIREMENTS)}", file=sys.stderr)
        venv.create(folder, clear=True, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
        done.write_text(wanted, encoding="utf-8")
    return python
