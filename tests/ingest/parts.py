"""Parts of a load, for tests of single parts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.settings import Settings
from ingest.load.changes import Rules
from ingest.load.worker import Worker, WorkerSpec
from ingest.record.ledger import Ledger, LoadFacts
from ingest.writing import Patience
from tests.fakes.models import DIMS, FakeEmbedder


def bare_spec(settings: Settings, *, index: str = "none", fresh: bool = True) -> WorkerSpec:
    """The spec of a load into an index."""
    rules = Rules(vector_field="embedding", hash_field="text_hash", packs_vectors=True)
    return WorkerSpec(settings=settings, index=index, rules=rules, fresh=fresh)


def unit_vectors(texts: Sequence[str]) -> NDArray[np.float32]:
    """The same vector for every text, at no cost."""
    return np.full((len(texts), DIMS), DIMS**-0.5, dtype=np.float32)


def bare_worker(settings: Settings | None = None) -> Worker:
    """A worker without a cluster."""
    spec = bare_spec(settings or Settings())
    embedder = FakeEmbedder(unit_vectors)
    with Elasticsearch("http://localhost:1") as client:
        return Worker(spec, client=client, embedder=embedder, patience=Patience(0.0))


def load_facts(**facts: Any) -> LoadFacts:
    """The facts of a new load."""
    given: dict[str, Any] = {
        "index": "none",
        "kind": "load",
        "started": 1.0,
        "version": 1_000_000,
        "sources": (),
        "shaping": {},
        "mapping": {},
        "dead_letters": "dead.jsonl",
        "delete_missing": False,
        "reuse_vectors_from": None,
        "slice_rows": 500,
        "first_rows": 32,
    }
    return LoadFacts(**given | facts)


def open_ledger(path: Path, **facts: Any) -> Ledger:
    """A new ledger."""
    return Ledger.create(path, load_facts(**facts), dead_letters_bytes=0)
