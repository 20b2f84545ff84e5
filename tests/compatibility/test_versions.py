"""es-hybrid against every supported version of Elasticsearch, from `index create` to alignment.

The versions are proxies in front of the embedded node that report the version and refuse what it
lacks (`table.py`). With `ES_HYBRID_OLD_NODE=http://127.0.0.1:9200` the same tests run against a
real node of an older version instead.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import BadRequestError, Elasticsearch

from es_hybrid import HybridSearch
from es_hybrid.client import connect, server_version
from es_hybrid.errors import IndexStateError, RequestRefused
from es_hybrid.index.lifecycle import create_index, describe_index
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings, load_settings
from ingest.load.job import LoadJob
from tests.align.catalogue import run
from tests.compatibility.cluster import OlderCluster
from tests.compatibility.table import ADDITIONS, VERSIONS, Version, markdown
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.models import FakeEmbedder
from tests.serve.running import ask, serving

ROOT = Path(__file__).parents[2]
REAL = os.environ.get("ES_HYBRID_OLD_NODE")
# 9.3 and 9.4 lack nothing of the table; 8.19 lacks what 8.18 lacks.
OLD = (None,) if REAL else ((8, 17), (8, 18), (9, 0), (9, 1), (9, 2), (9, 4))

TITLES = {
    "en": ["red kettle", "blue kettle", "steel lamp", "garden chair", "running shoe"],
    "de": ["roter Kessel", "blauer Kessel", "Stahllampe", "Gartenstuhl", "Laufschuh"],
}
WORDS: dict[str, Any] = {"standard": {"query": {"match": {"title": "kettle"}}}}
ALL: dict[str, Any] = {"standard": {"query": {"match_all": {}}}}
RESCORE: dict[str, Any] = {"query": {"rescore_query": {"match": {"title": "blue"}}}}


def _named(version: Version | None) -> str:
    return ".".join(map(str, version)) if version else "real"


@pytest.fixture(scope="module", params=OLD, ids=_named)
def cluster(request: pytest.FixtureRequest) -> Iterator[OlderCluster | str]:
    """A cluster of an older version, or the URL of a real one."""
    if REAL:
        yield REAL
        return
    node: EmbeddedNode = request.getfixturevalue("node")
    with OlderCluster(node.url, request.param) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def url(cluster: OlderCluster | str) -> str:
    return cluster if isinstance(cluster, str) else cluster.url


@pytest.fixture(scope="module")
def embeddings() -> Iterator[str]:
    with EmbeddingServer() as server:
        yield server.url


@pytest.fixture(scope="module")
def settings(url: str, embeddings: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load_settings(
        flags={
            "elasticsearch": {"url": url},
            "embedding": {"base_url": embeddings},
            "index": {"name": f"test-old-{url.rpartition(':')[2]}"},
            "ingest": {"ledger_dir": tmp_path_factory.mktemp("ledgers")},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


@pytest.fixture(scope="module")
def loaded(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """Settings of an index of ten products, created and loaded over the older cluster."""
    folder = tmp_path_factory.mktemp("feed")
    feed = folder / "feed.jsonl"
    for price in (10, 20):  # the second load updates documents, and keeps their vectors
        write_feed(feed, price)
        job = LoadJob.of(
            settings,
            [str(feed)],
            file_format="jsonl",
            mapping={},
            dead_letters=folder / "rejected.jsonl",
        )
        job.run(say=lambda line: None, on_progress=lambda tally: None)
        assert job.tally.rejected == 0
    yield settings
    with connect(settings.elasticsearch) as client:
        for index in client.indices.get(index=f"{settings.index.name}*", expand_wildcards="all"):
            client.indices.delete(index=index)


def write_feed(path: Path, price: int) -> None:
    rows = [
        {"id": f"{lang}{n}", "title": title, "lang": lang, "brand": "ab"[n % 2], "price": price}
        for lang, titles in TITLES.items()
        for n, title in enumerate(titles)
    ]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


@pytest.fixture(scope="module")
def shop(loaded: Settings) -> Iterator[HybridSearch]:
    with HybridSearch.open(loaded) as shop:
        yield shop


def test_the_version_is_the_cluster_s(cluster: OlderCluster | str, settings: Settings) -> None:
    with connect(settings.elasticsearch) as client:
        version = server_version(client)
    assert version in VERSIONS
    assert isinstance(cluster, str) or version == cluster.version


def test_a_load_writes_every_vector(loaded: Settings) -> None:
    with connect(loaded.elasticsearch) as client:
        found = describe_index(client, loaded.index.name)
    assert (found.documents, found.with_vector) == (10, 10)


@pytest.mark.parametrize("mode", ["hybrid", "lexical", "knn"])
def test_every_mode_searches(shop: HybridSearch, mode: str) -> None:
    found = shop.search("red kettle", mode=mode, facets=["brand"], filters={"lang": "en"}, size=3)
    assert mode == "knn" or found.hits[0].id == "en0"
    assert {hit.source["lang"] for hit in found.hits} == {"en"}
    assert found.degraded == ()
    assert "embedding" not in found.hits[0].source
    assert found.facets["brand"].keys() <= {"a", "b"}


def test_similar_products_are_found_by_their_stored_vectors(shop: HybridSearch) -> None:
    assert len(shop.similar("en0", size=3).hits) == 3


def _rrf(**more: Any) -> dict[str, Any]:
    return {"rrf": {"retrievers": [WORDS, ALL], **more}}


RETRIEVERS: dict[str, dict[str, Any]] = {
    "rrf": _rrf(),
    "weighted": {"rrf": {"retrievers": [{"retriever": WORDS, "weight": 5}, ALL]}},
    "short rrf": {"rrf": {"query": "kettle", "fields": ["title", "brand"]}},
    "linear": {"linear": {"retrievers": [{"retriever": WORDS, "weight": 2}]}},
    "short linear": {
        "linear": {"query": "kettle", "fields": ["title"], "normalizer": "minmax"},
    },
    "pinned": {"pinned": {"retriever": WORDS, "ids": ["en0"]}},
    "rescorer": {"rescorer": {"retriever": WORDS, "rescore": RESCORE}},
    "rescorer of a rescorer": {
        "rescorer": {"rescore": RESCORE, "retriever": {
            "rescorer": {"retriever": WORDS, "rescore": RESCORE}}},
    },
    "rescored rrf": {"rescorer": {"retriever": _rrf(), "rescore": RESCORE}},
    "diversify": {
        "diversify": {"type": "mmr", "field": "embedding", "lambda": 0.9, "retriever": WORDS}
    },
}  # fmt: skip


@pytest.mark.parametrize("execution", ["auto", "client"])
def test_every_retriever_is_answered(loaded: Settings, execution: str) -> None:
    flags = {"search": {**loaded.search.model_dump(), "execution": execution}}
    with HybridSearch.open(loaded.model_copy(update=_sections(flags))) as shop:
        for name, retriever in RETRIEVERS.items():
            found = shop.answer({"retriever": retriever, "size": 2})
            ids = {hit["_id"] for hit in found.hits}
            assert ids <= {"en0", "en1"}, name
            assert len(ids) == 2, name


def _sections(flags: dict[str, Any]) -> dict[str, Any]:
    return {name: getattr(load_settings(flags=flags), name) for name in flags}


def test_serve_answers_and_passes_on(url: str, loaded: Settings) -> None:
    index = loaded.index.name
    plain = {"Content-Type": "application/json"}
    with serving(url, serve={"indices": [index]}, index={"name": index},
                 embedding={"base_url": loaded.embedding.base_url},
                 rerank={"enabled": False}) as server:  # fmt: skip
        own = ask(server, "/search", method="POST", body={"text": "red kettle"}, headers=plain)
        tree = ask(server, f"/{index}/_search", method="POST", headers=plain,
                   body={"retriever": RETRIEVERS["rescored rrf"]})  # fmt: skip
        passed = ask(server, f"/{index}/_count")
    assert own.status == 200, own.body
    assert own.json()["hits"][0]["id"] == "en0"
    assert tree.json()["hits"]["hits"][0]["_id"] == "en1"
    assert passed.json()["count"] == 10


def test_alignment_reads_an_index_and_writes_its_pairs(
    url: str, loaded: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_ELASTICSEARCH__URL", url)
    monkeypatch.setenv("ES_HYBRID_EMBEDDING__BASE_URL", str(loaded.embedding.base_url))
    pairs = f"{loaded.index.name}-pairs"
    done = run("align", "run", f"es://{loaded.index.name}", "--no-rerank", "--pairs-index", pairs)
    assert done.exit_code == 0, done.output
    with connect(loaded.elasticsearch) as client:
        assert client.count(index=pairs)["count"] > 0


def test_an_index_type_that_the_cluster_lacks_is_refused_clearly(
    cluster: OlderCluster | str, settings: Settings
) -> None:
    index = settings.index.model_copy(update={"name": "test-old-disk", "vector_type": "bbq_disk"})
    with connect(settings.elasticsearch) as client:
        lacking = server_version(client) < (9, 2)
        wanted = settings.model_copy(update={"index": index})
        with pytest.raises(IndexStateError, match="bbq_disk") if lacking else nullcontext():
            create_index(client, wanted, FakeEmbedder())
        client.indices.delete(index="test-old-disk", ignore_unavailable=True)


def test_an_option_that_the_cluster_lacks_is_refused_in_its_words(
    shop: HybridSearch, loaded: Settings
) -> None:
    vector = [1.0] * 64
    knn = {"field": "embedding", "query_vector": vector, "k": 2, "num_candidates": 5}
    with connect(loaded.elasticsearch) as client:
        lacking = server_version(client) < (9, 2)
    refused = pytest.raises(RequestRefused, match=r"unknown field \[visit_percentage\]")
    with refused if lacking else nullcontext():
        shop.retrieve({"knn": {**knn, "visit_percentage": 50.0}})


@pytest.mark.skipif(bool(REAL), reason="it is about the proxy")
def test_the_proxy_refuses_what_the_version_lacks(cluster: OlderCluster | str) -> None:
    assert isinstance(cluster, OlderCluster)
    with Elasticsearch(cluster.url) as official:
        refused = pytest.raises(BadRequestError, match="media_type_header_exception")
        with refused if cluster.version < (9, 0) else nullcontext():
            official.search(index="test-*")
    assert any("media_type_header" in each for each in cluster.refusals) is (
        cluster.version < (9, 0)
    )


def test_the_documentation_shows_the_table() -> None:
    assert markdown() in (ROOT / "docs/compatibility.md").read_text("utf-8")
    assert all(each.lacking() for each in ADDITIONS)
