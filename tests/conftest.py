"""The embedded Elasticsearch that the live tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.errors import MissingExtra
from es_hybrid.node import EmbeddedNode


@pytest.fixture(scope="session")
def node() -> Iterator[EmbeddedNode]:
    """A started node on a temporary folder, one for the whole session.

    Without the `local` extra the live tests are skipped on a developer's machine. In CI they
    fail: there, a skipped test is a test nobody has.
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
