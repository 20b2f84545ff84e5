"""The index of products that the live tests of retrieval share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from tests.retrieval.live import Row, Searcher, make_index, rows

INDEX = "test-retrieval-products"


@pytest.fixture(scope="session")
def products() -> dict[str, Row]:
    return rows(400)


@pytest.fixture(scope="session")
def product_index(es: Elasticsearch, products: dict[str, Row]) -> Iterator[str]:
    make_index(es, INDEX, products)
    yield INDEX
    es.indices.delete(index=INDEX)


@pytest.fixture
def searcher(es: Elasticsearch, product_index: str) -> Searcher:
    return Searcher(es, product_index)
