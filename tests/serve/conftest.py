"""A server in front of the node, shared by the live tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import HttpServer
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import PRODUCTS, make_index
from tests.serve.running import serving


@pytest.fixture(scope="session")
def served(node: EmbeddedNode) -> Iterator[str]:
    """The server's URL."""
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        reranker=FakeReranker(),
        serve={"indices": [PRODUCTS, "no-such-index"]},
    ) as url:
        yield url


@pytest.fixture(scope="session")
def products(es: Elasticsearch) -> Iterator[str]:
    """An index of three products with vectors, and the passport of the fake embedder."""
    make_index(es, PRODUCTS, FakeEmbedder.identity)
    yield PRODUCTS
    es.indices.delete(index=PRODUCTS)


@pytest.fixture
def upstream(stack: tuple[HttpServer, str]) -> HttpServer:
    """The stand-in for Elasticsearch in the module's `stack`, with nothing received."""
    stack[0].forget()
    return stack[0]


@pytest.fixture
def url(stack: tuple[HttpServer, str]) -> str:
    """The server in the module's `stack`."""
    return stack[1]
