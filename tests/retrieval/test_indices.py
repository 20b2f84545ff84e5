"""Where the hits are: shards, replicas, aliases, patterns, closed and missing indices, clusters.

Two searches of the node itself, one for each leg, are the model: fused here, they must be what the
server answers for the same name and parameters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from elasticsearch import Elasticsearch, helpers
from numpy.typing import NDArray

from es_hybrid.node import EmbeddedNode
from tests.fakes.http import HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.pauses import PATIENCE
from tests.serve.live import LINES, msearch_lines
from tests.serve.running import Got, ask, serving

Hit = tuple[str, str]

P = "test-where"
# Name -> shards, replicas, documents. `logs-…` is how data streams are named.
INDICES = {
    f"{P}-one": (1, 0, 30),
    f"{P}-two": (2, 0, 12),
    f"{P}-five": (5, 0, 60),
    f"{P}-copied": (2, 1, 9),
    f"{P}-closed": (1, 0, 3),
    f"{P}-hidden": (1, 0, 5),
    "logs-test.where-default": (1, 0, 7),
}
LEXICAL: dict[str, Any] = {
    "function_score": {
        "query": {"match": {"title": "linen"}},
        "field_value_factor": {"field": "sales", "missing": 0},
        "boost_mode": "replace",
    }
}
VECTOR = [0.2, 0.9, 0.4]
WINDOW, WEIGHTS = 20, (1.0, 0.7)
KNN = {"field": "v", "query_vector": VECTOR, "k": WINDOW, "num_candidates": 100}
TREE = {
    "rrf": {
        "retrievers": [
            {"retriever": {"standard": {"query": LEXICAL}}, "weight": WEIGHTS[0]},
            {"retriever": {"knn": KNN}, "weight": WEIGHTS[1]},
        ],
        "rank_window_size": WINDOW,
        "rank_constant": 60,
    }
}
EXT = {
    "text": "anything",
    "vector_field": "v",
    "window": WINDOW,
    "num_candidates": 100,
    "weights": dict(zip(("lexical", "vector"), WEIGHTS, strict=True)),
    "rank_constant": 60,
}
# The last one is answered by four requests with a point in time.
BODIES: dict[str, dict[str, Any]] = {
    "tree": {"retriever": TREE},
    "ext": {"query": LEXICAL, "ext": {"es_hybrid": EXT}},
    "point in time": {"retriever": TREE, "aggs": {"n": {"cardinality": {"field": "sales"}}}},
}


def _same(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.tile(np.array(VECTOR, np.float32), (len(texts), 1))


@pytest.fixture(scope="module")
def indices(es: Elasticsearch) -> Iterator[None]:
    chance = np.random.default_rng(5)
    # Distinct numbers, so that no scores are equal.
    sales = iter(chance.permutation(1000).tolist())
    properties = {
        "title": {"type": "text"},
        "sales": {"type": "integer"},
        "kind": {"type": "keyword"},
        "v": {"type": "dense_vector", "dims": 3, "similarity": "cosine"},
    }
    for name, (shards, replicas, count) in INDICES.items():
        settings: dict[str, Any] = {"number_of_shards": shards, "number_of_replicas": replicas}
        if name.endswith("hidden"):
            settings["hidden"] = True
        es.indices.create(index=name, settings=settings, mappings={"properties": properties})
        rows = (
            {
                "_index": name,
                "_id": str(number),
                "title": "linen shirt" if number % 2 else "kettle",
                "kind": "abc"[number % 3],
                "sales": next(sales) + 1,
                "v": chance.random(3).tolist(),
            }
            for number in range(count)
        )
        helpers.bulk(es, rows, refresh=True)
    es.indices.close(index=f"{P}-closed")
    es.indices.create(index=f"{P}-no-vectors", mappings={"properties": {"title": {"type": "text"}}})
    es.index(index=f"{P}-no-vectors", id="1", document={"title": "kettle"}, refresh=True)
    for alias, name, more in (
        (f"{P}-both", f"{P}-one", {}),
        (f"{P}-both", f"{P}-five", {}),
        (f"{P}-only-a", f"{P}-one", {"filter": {"term": {"kind": "a"}}}),
        (f"{P}-routed", f"{P}-five", {"search_routing": "7"}),
    ):
        es.indices.put_alias(index=name, name=alias, **more)
    yield
    es.indices.delete(index=[*INDICES, f"{P}-no-vectors"])


@pytest.fixture(scope="module")
def url(node: EmbeddedNode, indices: None) -> Iterator[str]:
    with serving(node.url, embedder=FakeEmbedder(_same), rerank={"enabled": False}) as url:
        yield url


@pytest.fixture(scope="module")
def cluster(es: Elasticsearch) -> Iterator[str]:
    """A name under which the node is a remote cluster of its own."""
    (local,) = es.nodes.info(node_id="_local").body["nodes"].values()
    seeds = {"cluster.remote.other.seeds": [local["transport_address"]]}
    es.cluster.put_settings(persistent=seeds)
    end = time.monotonic() + PATIENCE
    while not es.cluster.remote_info().body["other"]["connected"]:
        assert time.monotonic() < end
        time.sleep(0.05)
    yield "other"
    es.cluster.put_settings(persistent={"cluster.remote.other.seeds": None})


def _search(url: str, target: str, body: Any) -> Got:
    path, _, query = target.partition("?")
    target = f"/{path}/_search" + (f"?{query}" if query else "")
    return ask(url, target, method="POST", body={"_source": False, **body})


def _hits(got: Got) -> list[Hit]:
    assert got.status == 200, got.body
    return [(hit["_index"], hit["_id"]) for hit in got.json()["hits"]["hits"]]


def _modelled(node: EmbeddedNode, target: str) -> tuple[list[Hit], int]:
    """What both legs find, fused, and how many matches they have together."""
    lexical = _hits(_search(node.url, target, {"query": LEXICAL, "size": 1000}))
    nearest = _hits(_search(node.url, target, {"knn": KNN, "size": WINDOW}))
    scores: dict[Hit, float] = {}
    for ranking, weight in zip((lexical[:WINDOW], nearest), WEIGHTS, strict=True):
        for rank, hit in enumerate(ranking, 1):
            scores[hit] = scores.get(hit, 0) + weight / (60 + rank)
    assert len(set(scores.values())) == len(scores)
    best = sorted(scores, key=scores.__getitem__, reverse=True)
    return best[:WINDOW], len({*lexical, *nearest})


def _agrees(node: EmbeddedNode, url: str, target: str, form: str) -> dict[str, Any]:
    expected, total = _modelled(node, target)
    got = _search(url, target, {**BODIES[form], "size": WINDOW})
    assert _hits(got) == expected
    answer: dict[str, Any] = got.json()
    assert answer["hits"]["total"] == {"value": total, "relation": "eq"}
    theirs = _search(node.url, target, {"query": LEXICAL, "size": 0}).json()
    assert answer["_shards"] == theirs["_shards"]
    assert answer.keys() >= theirs.keys() - {"num_reduce_phases"}
    return answer


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    "target",
    [
        f"{P}-one",
        f"{P}-two",
        f"{P}-five",
        f"{P}-copied",
        f"{P}-five?routing=7",
        f"{P}-five?preference=_local",
    ],
)
def test_shards_and_copies(node: EmbeddedNode, url: str, target: str, form: str) -> None:
    _agrees(node, url, target, form)


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    "target", [f"{P}-both", f"{P}-only-a", f"{P}-routed", f"{P}-only-a,{P}-two"]
)
def test_aliases(node: EmbeddedNode, url: str, target: str, form: str) -> None:
    _agrees(node, url, target, form)


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    "target",
    [
        f"{P}-one,{P}-two",
        f"{P}-*",
        f"{P}-t*,{P}-f*",
        f"{P}-*,-{P}-five",
        f"{P}-*?expand_wildcards=open,hidden",
        f"{P}-one::data",
        f"%3C{P}-one%3E",
    ],
)
def test_lists_patterns_and_date_math(node: EmbeddedNode, url: str, target: str, form: str) -> None:
    """Of a pattern, some indices need not have the vector field."""
    _agrees(node, url, target, form)


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize("target", ["logs-test.where-default", "logs-test.where-*"])
def test_names_of_data_streams(node: EmbeddedNode, url: str, target: str, form: str) -> None:
    _agrees(node, url, target, form)


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    "target",
    [
        f"{P}-closed,{P}-one?ignore_unavailable=true",
        f"{P}-missing,{P}-two?ignore_unavailable=true",
        f"{P}-closed?ignore_unavailable=true",
        f"{P}-missing?ignore_unavailable=true",
        f"{P}-missing-*",
        f"{P}-missing-*,{P}-one",
        f"-{P}-one",
    ],
)
def test_unavailable_indices_are_ignored_on_request(
    node: EmbeddedNode, url: str, target: str, form: str
) -> None:
    _agrees(node, url, target, form)


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize(
    "target",
    [
        f"{P}-missing",
        f"{P}-missing,{P}-one",
        f"{P}-missing-*?allow_no_indices=false",
        f"{P}-closed",
        f"{P}-closed,{P}-one",
        f"{P}-*?expand_wildcards=all",
        "absent:products",
        f"absent:products,{P}-one",
        "Upper",
    ],
)
def test_otherwise_the_error_is_elasticsearch_s(
    node: EmbeddedNode, url: str, target: str, form: str
) -> None:
    theirs = _search(node.url, target, {"query": LEXICAL})
    ours = _search(url, target, BODIES[form])
    assert theirs.status >= 400
    assert (ours.status, ours.json()) == (theirs.status, theirs.json())


@pytest.mark.parametrize("form", BODIES)
@pytest.mark.parametrize("local", ["", f",{P}-two", f",{P}-t*"], ids=["remote", "both", "pattern"])
def test_other_clusters(node: EmbeddedNode, url: str, cluster: str, local: str, form: str) -> None:
    target = f"{cluster}:{P}-one{local}"
    answer = _agrees(node, url, target, form)
    assert answer["_clusters"]["successful"] == answer["_clusters"]["total"]
    assert answer["_clusters"]["details"][cluster]["status"] == "successful"
    assert f"{cluster}:{P}-one" in {hit["_index"] for hit in answer["hits"]["hits"]}


def test_the_vector_field_of_another_cluster_must_be_named(url: str, cluster: str) -> None:
    body = {"query": LEXICAL, "ext": {"es_hybrid": {"text": "anything"}}}
    got = _search(url, f"{cluster}:{P}-one", body)
    assert got.status == 400
    assert "needs a [vector_field]" in got.json()["error"]["reason"]


def test_many_searches_each_where_its_header_says(
    node: EmbeddedNode, url: str, cluster: str
) -> None:
    targets = [f"{P}-both", f"{cluster}:{P}-one", f"{P}-missing"]
    body = {**BODIES["tree"], "size": WINDOW}
    parts = [part for target in targets for part in ({"index": target}, body)]
    lines = msearch_lines(*parts, {"index": f"{cluster}:{P}-two"}, {"query": LEXICAL})
    got = ask(url, "/_msearch", method="POST", body=lines, headers=LINES).json()["responses"]
    for target, answer in zip(targets[:2], got, strict=False):
        found = [(hit["_index"], hit["_id"]) for hit in answer["hits"]["hits"]]
        assert found == _modelled(node, target)[0]
    assert [answer["status"] for answer in got] == [200, 200, 404, 200]


@pytest.mark.parametrize("form", BODIES)
def test_a_header_of_many_searches_ignores_what_is_missing(
    node: EmbeddedNode, url: str, form: str
) -> None:
    header = {"index": f"{P}-missing,{P}-two", "ignore_unavailable": True}
    lines = msearch_lines(header, {**BODIES[form], "size": WINDOW})
    (got,) = ask(url, "/_msearch", method="POST", body=lines, headers=LINES).json()["responses"]
    found = [(hit["_index"], hit["_id"]) for hit in got["hits"]["hits"]]
    assert found == _modelled(node, f"{P}-two")[0]


def test_a_cluster_that_is_skipped_shows_in_the_answer() -> None:
    """A remote cluster may go away between the two leaves of one request."""
    shards = {"total": 1, "successful": 1, "skipped": 0, "failed": 0}
    hits: dict[str, Any] = {"total": {"value": 0, "relation": "eq"}, "max_score": None, "hits": []}
    responses = [
        {
            "took": 1,
            "timed_out": False,
            "_shards": shards,
            "hits": hits,
            "_clusters": {"total": 2, "successful": successful, "skipped": 2 - successful},
            "aggregations": {"beyond_lexical": {"doc_count": 0}},
            "status": 200,
        }
        for successful in (2, 1)
    ]

    def script(request: Request) -> Any:
        return json_answer(200, {"took": 1, "responses": responses})

    with (
        HttpServer(script) as fake,
        serving(
            fake.url,
            embedder=FakeEmbedder(),
            rerank={"enabled": False},
            search={"execution": "client"},
        ) as url,
    ):
        got = _search(url, "products,far:products", BODIES["tree"])
        assert got.json()["_clusters"] == {"total": 2, "successful": 1, "skipped": 1}
        assert all("_mapping" not in request.target for request in fake.seen)
