"""The checks before a promotion. The command's tests cover more: tests/commands/index."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.evaluation.promotion import SearchedIndex, check_version, sampled_titles
from es_hybrid.index.document import to_document, write_vector
from es_hybrid.index.lifecycle import create_index
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from tests.fakes.embedding import EmbeddingServer, vector_of

SETTINGS = Settings().with_(rerank={"enabled": False})


@pytest.fixture
def embedder() -> Iterator[OpenAIEmbedder]:
    with EmbeddingServer(dims=64) as server:
        embedder = OpenAIEmbedder(
            SETTINGS.embedding.model_copy(update={"base_url": server.url, "max_retries": 0})
        )
        yield embedder
        embedder.close()


def filled(
    es: Elasticsearch, embedder: OpenAIEmbedder, index: str, titles: list[str]
) -> SearchedIndex:
    settings = SETTINGS.with_(index={"name": index})
    create_index(es, settings, embedder)
    bulk(
        es,
        (
            {
                "_id": str(number),
                "_source": to_document(Product(id=str(number), title=title), text_hash="")
                | {"embedding": write_vector(vector_of(title, 64), packed=True)},
            }
            for number, title in enumerate(titles)
        ),
        index=index,
        refresh=True,
    )
    return SearchedIndex(index, settings, embedder)


def test_a_version_is_compared_with_the_live_one(
    es: Elasticsearch, index_name: str, embedder: OpenAIEmbedder
) -> None:
    live = filled(es, embedder, f"{index_name}-a", ["Kettle", "Teapot", ""])
    target = filled(es, embedder, f"{index_name}-b", ["Kettle", "Teapot", ""])
    queries = sampled_titles(es, live.settings, 10)
    assert sorted(query.text for query in queries) == ["Kettle", "Teapot"]
    checks = list(check_version(es, target, live, queries))
    assert [(check.name, check.passed) for check in checks] == [
        ("documents", True), ("coverage", True), ("canaries", True), ("overlap", True),
    ]  # fmt: skip
    assert checks[3].found.startswith("1.000 of the first 10, 100% the same first hit")


def test_a_first_version_needs_a_document(
    es: Elasticsearch, index_name: str, embedder: OpenAIEmbedder
) -> None:
    empty = filled(es, embedder, index_name, [])
    checks = {check.name: check for check in check_version(es, empty, None, [])}
    assert list(checks) == ["documents", "coverage", "canaries"]
    assert (checks["documents"].found, checks["documents"].passed) == (
        "0; no live index yet",
        False,
    )
