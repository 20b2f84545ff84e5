"""The sample catalogue, loaded once with the embedded encoder, and a search over it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import as_file, files
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import EmbeddingSettings, Settings, load_settings
from ingest.load.job import LoadJob

INDEX = "test-search-catalogue"
CATALOGUE = files("es_hybrid.data").joinpath("products.jsonl")
ROWS: list[dict[str, Any]] = [
    json.loads(line) for line in CATALOGUE.read_text("utf-8").splitlines()
]


@pytest.fixture(scope="session")
def embedder() -> LocalEmbedder:
    return LocalEmbedder(EmbeddingSettings())


@pytest.fixture(scope="session")
def settings(node: EmbeddedNode) -> Settings:
    """No reranker, and all the time that a busy machine may take."""
    return load_settings(
        flags={
            "elasticsearch": {"url": node.url},
            "index": {"name": INDEX},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


@pytest.fixture(scope="session")
def catalogue(
    es: Elasticsearch, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    rejected = tmp_path_factory.mktemp("load") / "rejected.jsonl"
    with as_file(CATALOGUE) as path:
        job = LoadJob.of(
            settings, [str(path)], file_format="jsonl", mapping={}, dead_letters=rejected
        )
        job.run(say=lambda line: None, on_progress=lambda tally: None)
    assert (job.tally.ended, job.tally.rejected) == (len(ROWS), 0)
    yield INDEX
    for version in es.indices.get(index=INDEX):
        es.indices.delete(index=version)


@pytest.fixture(scope="session")
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, settings: Settings
) -> HybridSearch:
    return HybridSearch(es, index=catalogue, embedder=embedder, settings=settings)
