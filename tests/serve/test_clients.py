"""The official clients, unmodified, against the server in front of a real Elasticsearch."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import ApiError, Elasticsearch, NotFoundError, helpers

from es_hybrid.node import EmbeddedNode
from tests.serve.npm import npm_packages

JS_CLIENT = "@elastic/elasticsearch@9.4.3"
RRF: dict[str, Any] = {
    "rrf": {
        "retrievers": [
            {"standard": {"query": {"match": {"title": "red"}}}},
            {"knn": {"field": "embedding", "query_vector": [0, 1], "k": 2, "num_candidates": 3}},
        ]
    }
}
PRODUCTS = {
    "1": {"title": "red shoe", "brand": "a", "embedding": [1, 0]},
    "2": {"title": "red hat", "brand": "a", "embedding": [0.9, 0.1]},
    "3": {"title": "blue hat", "brand": "b", "embedding": [0, 1]},
}
# 1 and 3 have the same score; the one indexed first comes first.
FUSED = ["2", "1", "3"]
BRANDS = [{"key": "a", "doc_count": 2}, {"key": "b", "doc_count": 1}]


@pytest.fixture
def client(served: str) -> Iterator[Elasticsearch]:
    with Elasticsearch(served, max_retries=0) as client:
        yield client


@pytest.fixture
def filled(client: Elasticsearch, index_name: str) -> str:
    properties = {
        "title": {"type": "text"},
        "brand": {"type": "keyword"},
        "embedding": {"type": "dense_vector", "dims": 2, "similarity": "cosine"},
    }
    client.indices.create(index=index_name, mappings={"properties": properties})
    (first, document), *others = PRODUCTS.items()
    assert client.index(index=index_name, id=first, document=document)["result"] == "created"
    actions = ({"_index": index_name, "_id": id_, **product} for id_, product in others)
    assert helpers.bulk(client, actions, refresh=True) == (2, [])
    return index_name


def _ids(answer: Any) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_python_begins_with_the_clusters_name_and_version(
    client: Elasticsearch, node: EmbeddedNode
) -> None:
    assert client.ping()
    with Elasticsearch(node.url) as direct:
        assert client.info().body == direct.info().body


def test_python_a_plain_search(client: Elasticsearch, filled: str) -> None:
    aggs = {"brand": {"terms": {"field": "brand"}}}
    answer = client.search(index=filled, query={"match_all": {}}, aggs=aggs)
    assert sorted(_ids(answer)) == ["1", "2", "3"]
    assert answer["aggregations"]["brand"]["buckets"] == BRANDS


def test_python_an_rrf_search(client: Elasticsearch, filled: str) -> None:
    aggs = {"brand": {"terms": {"field": "brand"}}}
    answer = client.search(index=filled, retriever=RRF, size=3, aggs=aggs)
    assert _ids(answer) == FUSED
    assert answer["hits"]["total"] == {"value": 3, "relation": "eq"}
    assert answer["aggregations"]["brand"]["buckets"] == BRANDS


def test_python_many_searches_at_once(client: Elasticsearch, filled: str) -> None:
    blue = {"query": {"match": {"title": "blue"}}}
    searches: list[dict[str, Any]] = [{"index": filled}, blue, {"index": filled}]
    searches += [{"retriever": RRF}, {"index": "no-such-index"}, blue]
    responses = client.msearch(searches=searches)["responses"]
    assert [_ids(answer) for answer in responses[:2]] == [["3"], FUSED]
    assert responses[2]["status"] == 404


def test_python_scrolling(client: Elasticsearch, filled: str) -> None:
    assert {hit["_id"] for hit in helpers.scan(client, index=filled, size=1)} == {"1", "2", "3"}


def test_python_errors_are_elasticsearchs(client: Elasticsearch, filled: str) -> None:
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        client.search(index="no-such-index", query={"match_all": {}})
    with pytest.raises(NotFoundError, match="index_not_found_exception"):
        client.search(index="no-such-index", retriever=RRF)
    with pytest.raises(ApiError, match="nonsense") as refused:
        client.search(index=filled, retriever={"rrf": {**RRF["rrf"], "nonsense": 1}})
    assert refused.value.status_code == 400
    with pytest.raises(NotFoundError):
        client.get(index=filled, id="404")


def test_javascript(served: str, index_name: str, js_client: Path) -> None:
    script = Path(__file__).with_name("client.mjs")
    done = subprocess.run(
        ["node", script, js_client, served, index_name],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    got = json.loads(done.stdout)
    no_index = [404, "index_not_found_exception"]
    assert got == {
        "ping": True,
        "tagline": "You Know, for Search",
        "exists": True,
        "indexed": "created",
        "bulk": 2,
        "search": {"ids": ["1", "2"], "total": 2, "brands": BRANDS[:1]},
        "rrf": {"ids": FUSED, "total": 3, "brands": BRANDS},
        "msearch": [["3"], FUSED, "index_not_found_exception"],
        "scrolled": ["red shoe", "red hat", "blue hat"],
        "failures": [
            no_index,
            no_index,
            [400, "parsing_exception"],
            [400, "x_content_parse_exception"],
            [404, "not_found"],
        ],
        "deleted": True,
    }


@pytest.fixture(scope="module")
def js_client(request: pytest.FixtureRequest) -> Path:
    """A folder with the client."""
    return npm_packages(request, "js-client", JS_CLIENT)
