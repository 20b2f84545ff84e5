"""A search over the sample catalogue."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings


@pytest.fixture(scope="session")
def settings(catalogue_settings: Settings) -> Settings:
    return catalogue_settings


@pytest.fixture(scope="session")
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, settings: Settings
) -> HybridSearch:
    return HybridSearch(es, index=catalogue, embedder=embedder, settings=settings)
