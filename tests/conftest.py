"""What the live tests share: an embedded Elasticsearch and the sample catalogue loaded into it."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Iterator
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import MissingExtra
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.merchandising.rules.stored import RULES_INDEX
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import EmbeddingSettings, Settings, load_settings
from ingest.load.job import LoadJob

CATALOGUE_INDEX = "test-sample-catalogue"

# Every node of these tests lives for seconds or minutes. Without the JVM's optimizing compiler and
# with its simplest collector, a start takes 5 s of processor time instead of 13, and the shared
# node takes half the time for the tests that follow (measured with 24 tests of indices).
os.environ.setdefault("JAVA_TOOL_OPTIONS", "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC")

# Started with SIGINT ignored, as a shell script starts what runs in the background, Python installs
# no handler and every process that a test starts would inherit that. A handler is not inherited:
# with one installed here, the children start with the default.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def node() -> Iterator[EmbeddedNode]:
    """A started node on a temporary folder, one for the whole session.

    Without the `local` extra the live tests are skipped on a developer's machine and fail in CI.
    """
    embedded = EmbeddedNode(heap="768m")
    try:
        embedded.start()
    except MissingExtra as error:
        embedded.stop()
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))
    yield embedded
    embedded.stop()


@pytest.fixture(scope="session")
def es(node: EmbeddedNode) -> Iterator[Elasticsearch]:
    """A client of the shared node."""
    with Elasticsearch(node.url, request_timeout=60) as client:
        yield client


@pytest.fixture
def index_name(es: Elasticsearch) -> Iterator[str]:
    """A name no other test uses. Indices whose names begin with it are deleted afterwards."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    for index in es.indices.get(index=f"{name}*", expand_wildcards="all"):
        es.indices.delete(index=index)


@pytest.fixture
def rule_store(es: Elasticsearch) -> Iterator[RuleStore]:
    """The store of merchandising rules of the shared node, empty."""
    yield RuleStore(es)
    es.indices.delete(index=RULES_INDEX, ignore_unavailable=True)


@pytest.fixture(scope="session")
def embedder() -> LocalEmbedder:
    """The embedded encoder."""
    return LocalEmbedder(EmbeddingSettings())


@pytest.fixture(scope="session")
def catalogue_settings(node: EmbeddedNode, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the sample catalogue's index: no reranker, no time limit."""
    return load_settings(
        flags={
            "elasticsearch": {"url": node.url},
            "index": {"name": CATALOGUE_INDEX},
            "ingest": {"ledger_dir": tmp_path_factory.mktemp("ledgers")},
            "rerank": {"enabled": False},
            "search": {"timeout_ms": 0},
        }
    )


@pytest.fixture(scope="session")
def catalogue(
    es: Elasticsearch, catalogue_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The index of the sample catalogue. A test that changes it must change it back."""
    rejected = tmp_path_factory.mktemp("load") / "rejected.jsonl"
    with as_file(files("es_hybrid.data").joinpath("products.jsonl")) as path:
        job = LoadJob.of(
            catalogue_settings, [str(path)], file_format="jsonl", mapping={}, dead_letters=rejected
        )
        job.run(say=lambda line: None, on_progress=lambda tally: None)
    assert job.tally.rejected == 0
    yield CATALOGUE_INDEX
    for version in es.indices.get(index=CATALOGUE_INDEX):
        es.indices.delete(index=version)


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Qwen3 reranker with random weights and tied embeddings."""
    from tests.reranking.checkpoints import make_checkpoint

    return make_checkpoint(tmp_path_factory.mktemp("tied"))
