"""Searches that only es-hybrid can answer."""

from __future__ import annotations

import gzip
import json
import threading
from typing import Any
from urllib.parse import quote

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval import engine
from es_hybrid.serve.search_api import answering, reading
from tests.fakes.http import HttpServer
from tests.fakes.models import DIMS, FakeEmbedder
from tests.serve.live import (
    AGGS,
    JSON,
    LEAF,
    LINES,
    OWN_QUERY,
    RRF,
    ids,
    make_index,
    msearch_lines,
    search,
)
from tests.serve.running import ask, serving


def test_a_query_with_the_extension(served: str, products: str) -> None:
    body = {
        "query": {"match": {"title": "hat"}},
        "aggs": AGGS,
        "ext": {"es_hybrid": {"text": "blue hat of felt"}},
    }
    answer = search(served, products, body).json()
    assert ids(answer)[0] in ("2", "3")
    assert answer["ext"]["es_hybrid"]["reranked"] == 3
    assert set(answer["ext"]["es_hybrid"]["timings"]) == {
        "embed", "elasticsearch", "rerank", "total"
    }  # fmt: skip
    assert answer["ext"]["es_hybrid"]["degraded"] == []
    assert answer["aggregations"]["brand"]["buckets"][0]["key"] == "a"


def test_a_text_is_embedded_for_a_query_vector_builder(served: str, products: str) -> None:
    builder = {"text_embedding": {"model_id": "any", "model_text": "red hat"}}
    knn = {"field": "embedding", "query_vector_builder": builder, "k": 1, "num_candidates": 3}
    answer = search(served, products, {"retriever": {"knn": knn}}).json()
    assert ids(answer) == ["2"]
    assert "ext" not in answer


KNN = {
    "field": "embedding", "k": 1, "num_candidates": 3,
    "query_vector_builder": {"embedding": {"inference_id": "any", "input": "red hat"}},
}  # fmt: skip


def test_texts_are_embedded_wherever_they_stand(served: str, products: str) -> None:
    bodies: list[dict[str, Any]] = [
        {"knn": KNN},
        {"query": {"bool": {"must": {"knn": KNN}}}},
        {"retriever": {"standard": {"query": {"knn": KNN}}}},
        {"query": {"ids": {"values": ["2"]}}, "knn": KNN, "rank": {"rrf": {"window_size": 20}}},
        {"query": {"ids": {"values": ["2"]}}},
    ]
    for body in bodies:
        assert ids(search(served, products, body).json()) == ["2"]
    lines = msearch_lines(*(part for body in bodies for part in ({"index": products}, body)))
    got = ask(served, "/_msearch", method="POST", body=lines, headers=LINES).json()
    assert [ids(each) for each in got["responses"]] == [["2"]] * len(bodies)
    typed = {"knn": KNN, "aggs": {"all": {"filter": {"knn": KNN}}}}
    answer = search(served, products, typed, "?typed_keys=true&rest_total_hits_as_int=true").json()
    assert answer["aggregations"]["filter#all"]["doc_count"] == answer["hits"]["total"] == 1


def test_what_the_cluster_builds_or_refuses_is_its_own(served: str, products: str) -> None:
    def near(kind: str, **builder: Any) -> dict[str, Any]:
        return {**KNN, "query_vector_builder": {kind: builder}}

    lookup = near("lookup", id="3", index=products, path="embedding")
    for body in (
        {"knn": lookup},
        {"retriever": {"knn": lookup}},
        {"retriever": {"rrf": {"retrievers": [{"knn": lookup}]}}},
    ):
        assert ids(search(served, products, body).json()) == ["3"]
        other = json.loads(json.dumps(body).replace('"lookup"', '"zzz"'))
        got = search(served, products, other)
        assert (got.status, "unknown field [zzz]" in got.body.decode()) == (400, True)
    newer: dict[str, Any] = {"newer": {"retriever": LEAF}}
    got = search(served, products, {"retriever": {"rrf": {"retrievers": [LEAF, newer]}}})
    assert got.json()["error"]["reason"] == "unknown retriever [newer]"


def test_the_body_may_be_compressed_or_a_parameter(served: str, products: str) -> None:
    body = json.dumps({"retriever": RRF}).encode()
    expected = ids(search(served, products, {"retriever": RRF}).json())
    zipped = ask(
        served,
        f"/{products}/_search",
        method="POST",
        body=gzip.compress(body),
        headers={**JSON, "Content-Encoding": "gzip"},
    )
    assert ids(zipped.json()) == expected
    query = f"?source={quote(body)}&source_content_type=application/json"
    assert ids(ask(served, f"/{products}/_search{query}").json()) == expected
    escaped = body.replace(b"retriever", b"retriev\\u0065r", 1)
    assert ids(search(served, products, escaped, **JSON).json()) == expected


def test_the_media_type_follows_the_client(served: str, products: str) -> None:
    versioned = "application/vnd.elasticsearch+json;compatible-with=8"
    got = search(served, products, {"retriever": RRF}, Accept=versioned)
    assert got.headers["Content-Type"] == versioned
    assert search(served, products, {"retriever": RRF}).headers["Content-Type"] == (
        "application/json"
    )


def test_a_search_that_is_nested_too_deep_is_refused(served: str, products: str) -> None:
    deep: dict[str, Any] = {"match_all": {}}
    for _ in range(60):
        deep = {"bool": {"must": deep}}
    rrf = {"rrf": {"retrievers": [LEAF, {"standard": {"query": deep}}]}}
    got = search(served, products, {"retriever": rrf})
    assert (got.status, "nested deeper" in got.json()["error"]["reason"]) == (400, True)


def test_a_search_over_the_limit_passes_through() -> None:
    """It is streamed unchanged, whether or not its length is stated."""
    limit = 100_000
    body = json.dumps({"retriever": RRF, "ext": {"padding": "x" * limit}}).encode()
    zipped = gzip.compress(body)
    assert len(zipped) < limit
    with (
        HttpServer() as upstream,
        serving(upstream.url, embedder=FakeEmbedder(), serve={"max_search_bytes": limit}) as url,
    ):
        search(url, "a", body, **JSON)
        search(url, "a", iter([body[:10], body[10:90_000], body[90_000:]]), **JSON)
        search(url, "a", iter([body]), **JSON)
        search(url, "a", zipped, **JSON, **{"Content-Encoding": "gzip"})
        assert [seen.body for seen in upstream.seen] == [body, body, body, zipped]
        for size in (limit, 40_000):  # the second is refused after it was read
            refused = ask(url, "/search", method="POST", body={"text": "x" * size})
            assert refused.status == (413 if size == limit else 400)
        assert len(upstream.seen) == 4


BOMB = b'{"ext":{"es_hybrid":{"text":"x"}},"query":[' + b"[]," * 30_000_000 + b"1]}"
ZIPPED = gzip.compress(BOMB)


@pytest.mark.parametrize(
    "body",
    [
        ZIPPED,
        ZIPPED[:-4] + (1000).to_bytes(4, "little"),  # states a false size
        gzip.compress(BOMB[:500]) + gzip.compress(BOMB[500:1000]),
        gzip.compress(BOMB[:500])[:-10],
        gzip.compress(BOMB[:900_000] + b"1]}"),
    ],
    ids=["complete", "false size", "two members", "cut off", "much of it"],
)
def test_a_gzip_bomb_passes_through_unread(monkeypatch: pytest.MonkeyPatch, body: bytes) -> None:
    """90 MB, or a megabyte of lists, are never decoded. Elasticsearch has limits of its own."""

    def loads(text: bytes) -> Any:
        raise AssertionError("decoded")

    monkeypatch.setattr("es_hybrid.serve.search_api.msearch.orjson.loads", loads)
    with (
        HttpServer() as upstream,
        serving(upstream.url, embedder=FakeEmbedder()) as url,
    ):
        got = search(url, "a", body, **JSON, **{"Content-Encoding": "gzip"})
        assert got.status == 200
        assert [seen.body for seen in upstream.seen] == [body]


def test_large_texts_are_handled_in_threads_and_small_ones_are_not(
    monkeypatch: pytest.MonkeyPatch, served: str, products: str
) -> None:
    threads: list[set[str]] = []

    def noting(module: Any, name: str) -> None:
        original = getattr(module, name)

        def noted(*args: Any, **options: Any) -> Any:
            threads[-1].add(f"{name} {threading.current_thread().name.split('_')[0]}")
            return original(*args, **options)

        monkeypatch.setattr(module, name, noted)

    noting(reading, "text_of")
    noting(answering, "check_depth")
    noting(engine, "own_query_plan")
    body = {**OWN_QUERY, "_source": ["title"]}
    for padding in (0, 40_000):
        threads.append(set())
        assert search(served, products, body | {"stats": ["x" * padding]}).status == 200
    small, large = threads
    assert not any("es-hybrid-large" in each for each in small)
    names = ("text_of", "check_depth", "own_query_plan")
    assert large == {f"{name} es-hybrid-large" for name in names}


def test_a_text_for_a_model_is_limited(served: str, products: str) -> None:
    text = "x" * 10_001
    builder = {"text_embedding": {"model_id": "any", "model_text": text}}
    knn = {"field": "embedding", "query_vector_builder": builder, "k": 1, "num_candidates": 3}
    rerank = {"retriever": LEAF, "field": "title", "inference_text": text}
    for body in (
        {"ext": {"es_hybrid": {"text": text}}},
        {"retriever": {"knn": knn}},
        {"retriever": {"text_similarity_reranker": rerank}},
    ):
        got = search(served, products, body)
        assert got.status == 400
        assert "must have at most [10000] characters, found [10001]" in got.body.decode()


def test_a_tree_of_many_leaves_is_refused(served: str, products: str) -> None:
    """Each one repeats the filters above it: a megabyte would become gigabytes."""
    got = search(served, products, {"retriever": {"rrf": {"retrievers": [LEAF] * 65}}})
    assert (got.status, "found [65]" in got.json()["error"]["reason"]) == (400, True)


def test_a_name_with_a_slash_in_it_is_one_name(
    served: str, es: Elasticsearch, index_name: str
) -> None:
    es.indices.create(index=f"<{index_name}-{{now/y{{yyyy}}}}>", mappings={})
    target = quote(f"<{index_name}-{{now/y{{yyyy}}}}>", safe="")
    leaf: dict[str, Any] = {"standard": {"query": {"match_all": {}}}}
    got = search(served, target, {"retriever": {"rrf": {"retrievers": [leaf, leaf]}}})
    assert (got.status, ids(got.json())) == (200, [])


@pytest.mark.parametrize(
    "other", [EmbedderIdentity("other", "1", DIMS, ""), EmbedderIdentity("seeded", "1", 32, "")]
)
def test_an_index_of_another_embedder_is_refused(
    node: EmbeddedNode, es: Elasticsearch, index_name: str, other: EmbedderIdentity
) -> None:
    make_index(es, index_name, other)
    own_query = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "red"}}}
    with serving(node.url, embedder=FakeEmbedder(), index={"name": index_name}) as url:
        shop = ask(url, "/search", method="POST", body={"text": "red"})
        answers = [search(url, index_name, own_query), shop]
    for got in answers:
        assert (got.status, got.json()["error"]["type"]) == (
            400,
            "illegal_argument_exception",
        )
        reason = got.json()["error"]["reason"]
        name, theirs, ours = (
            ("model", "'other'", "'seeded'") if other.model == "other" else ("dims", "32", "64")
        )
        assert f"made with {name} {theirs}, but the configured embedder has {name} {ours}" in reason
