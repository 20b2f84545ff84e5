"""Searches that only es-hybrid can answer: what goes in, and what comes out."""

from __future__ import annotations

import gzip
import json
from typing import Any
from urllib.parse import quote

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding import EmbedderIdentity
from es_hybrid.node import EmbeddedNode
from es_hybrid.serve.search_api.presentation import filtered
from tests.fakes.http import Upstream
from tests.fakes.models import DIMS, SeededEmbedder
from tests.serve.live import AGGS, JSON, LEAF, RRF, ids, make_index, search
from tests.serve.running import ask, serving

LINES = {"Content-Type": "application/x-ndjson"}


def test_a_body_of_ones_own_with_an_extension(served: str, products: str) -> None:
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


def test_parameters_of_the_query_string_count_like_the_bodys(served: str, products: str) -> None:
    query = "?size=1&from=1&_source_includes=title&track_total_hits=2&preference=_local"
    answer = search(served, products, {"retriever": RRF, "size": 3}, query).json()
    assert len(answer["hits"]["hits"]) == 1
    assert set(answer["hits"]["hits"][0]["_source"]) == {"title"}
    assert answer["hits"]["total"] == {"value": 2, "relation": "gte"}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("?nonsense=1", "contains unrecognized parameter: [nonsense]"),
        ("?size=a", "Failed to parse int parameter [size] with value [a]"),
        ("?explain=perhaps", "Failed to parse value [perhaps]"),
        ("?scroll=1m", "cannot specify [rrf] and [scroll]"),
        ("?q=title:red", "cannot specify [retriever] and [query]"),
        ("?sort=price", "cannot specify [retriever] and [sort]"),
    ],
)
def test_parameters_that_cannot_be_honoured_are_refused(
    served: str, products: str, query: str, words: str
) -> None:
    got = search(served, products, {"retriever": RRF}, query)
    assert got.status == got.json()["status"] == 400
    assert words in got.json()["error"]["reason"]
    assert got.headers["X-Elastic-Product"] == "Elasticsearch"


@pytest.mark.parametrize(
    ("query", "accept"), [("?format=yaml", "*/*"), ("", "application/cbor"), ("?format=cbor", "")]
)
def test_another_format_than_json_is_refused(
    served: str, products: str, query: str, accept: str
) -> None:
    got = search(served, products, {"retriever": RRF}, query, Accept=accept)
    assert got.status == 406


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


@pytest.mark.parametrize(
    "path",
    [
        "took,hits.hits._id",
        "hits.total",
        "**._source.title",
        "hits.hits._source.t*",
        "-hits.hits._source,-took",
        "aggregations.*.buckets.key",
        "aggregations,-**.doc_count",
        "hits.hits.*,-hits.hits._source.embedding",
        "nothing",
        "_shards.*",
        "hits.**.brand",
    ],
)
def test_filter_path_means_what_it_means_to_elasticsearch(
    node: EmbeddedNode, products: str, path: str
) -> None:
    """The node filters its own answer; we filter the same answer, had without a filter."""
    body = {"query": {"match": {"title": "red"}}, "aggs": AGGS}
    native = search(node.url, products, body, f"?filter_path={quote(path)}").json()
    ours = filtered(search(node.url, products, body).json(), path.split(","))
    for answer in (native, ours):
        answer.pop("took", None)  # two searches, two values
    assert ours == native


def test_filter_path_of_an_answer_of_ours(served: str, products: str) -> None:
    query = "?filter_path=hits.hits._id&pretty"
    got = search(served, products, {"retriever": RRF, "size": 1}, query)
    assert got.json().keys() == {"hits"}
    assert got.json()["hits"]["hits"][0].keys() == {"_id"}
    assert got.body.startswith(b'{\n  "hits"')


def test_totals_as_numbers(served: str, products: str) -> None:
    query = "?rest_total_hits_as_int=true"
    assert search(served, products, {"retriever": RRF}, query).json()["hits"]["total"] == 3
    lines = _lines(
        {"index": products}, {"retriever": RRF}, {"index": products}, {"query": {"match_all": {}}}
    )
    answers = ask(served, f"/_msearch{query}", method="POST", body=lines, headers=LINES).json()
    assert [answer["hits"]["total"] for answer in answers["responses"]] == [3, 3]


def test_typed_keys_are_elasticsearchs_own(served: str, node: EmbeddedNode, products: str) -> None:
    suggest = {"words": {"text": "rad", "term": {"field": "title"}}}
    plain = {"query": {"match_all": {}}, "aggs": AGGS, "suggest": suggest}
    native = search(node.url, products, plain, "?typed_keys=true").json()
    ours = search(
        served, products, {"retriever": RRF, "aggs": AGGS, "suggest": suggest}, "?typed_keys=true"
    ).json()
    assert set(native["aggregations"]) == {"sterms#brand", "filters#cheap"}
    assert ours["aggregations"] == native["aggregations"]
    assert ours["suggest"] == native["suggest"]


def _lines(*parts: Any) -> bytes:
    return b"".join(json.dumps(part).encode() + b"\n" for part in parts)


def test_each_answer_of_many_stands_in_its_place(served: str, products: str) -> None:
    lines = _lines(
        {}, {"query": {"match": {"title": "blue"}}},
        {"index": [products]}, {"retriever": RRF, "size": 1},
        {"index": "no-such-index"}, {"retriever": RRF},
        {"index": "no-such-index"}, {"query": {"match_all": {}}},
        {}, {"retriever": {"rrf": {"retrievers": 1}}},
        {"search_type": "dfs_query_then_fetch"}, {"query": {"match": {"title": "shoe"}}},
    )  # fmt: skip
    answer = ask(served, f"/{products}/_msearch", method="POST", body=lines, headers=LINES).json()
    told = [
        ids(each) if "hits" in each else (each["status"], each["error"]["type"])
        for each in answer["responses"]
    ]
    missing = (404, "index_not_found_exception")
    assert told[0] == ["3"]
    assert len(told[1]) == 1
    assert told[2:4] == [missing, missing]
    assert told[4][0] == 400
    assert told[5] == ["1"]


def test_lines_that_cannot_be_read_are_elasticsearchs_to_refuse(served: str, products: str) -> None:
    for lines in (
        b'{}\n{"retriever": \n',
        b'{"index":\n{"retriever": {}}\n',
        b'{"retriever": {}}\n',
    ):
        got = ask(served, "/_msearch", method="POST", body=lines, headers=LINES)
        assert got.status == 400
        assert got.json()["error"]["root_cause"]


def test_a_search_that_is_nested_too_deep_is_refused(served: str, products: str) -> None:
    deep: dict[str, Any] = {"match_all": {}}
    for _ in range(60):
        deep = {"bool": {"must": deep}}
    rrf = {"rrf": {"retrievers": [LEAF, {"standard": {"query": deep}}]}}
    got = search(served, products, {"retriever": rrf})
    assert (got.status, "nested deeper" in got.json()["error"]["reason"]) == (400, True)


def test_a_search_too_long_to_look_at_passes_through() -> None:
    """Streamed as it is; only where no length is stated does the reading end with a refusal."""
    limit = 10_000
    body = json.dumps({"retriever": RRF, "ext": {"padding": "x" * limit}}).encode()
    zipped = gzip.compress(body)
    assert len(zipped) < limit
    with (
        Upstream() as upstream,
        serving(upstream.url, embedder=SeededEmbedder(), serve={"max_body_bytes": limit}) as url,
    ):
        search(url, "a", body, **JSON)
        search(url, "a", zipped, **JSON, **{"Content-Encoding": "gzip"})
        assert [seen.body for seen in upstream.seen] == [body, zipped]
        chunked = search(url, "a", iter([body]), **JSON)
        assert (chunked.status, chunked.json()["status"]) == (413, 413)
        rerank = {"query": "q", "documents": ["x" * limit]}
        assert ask(url, "/v1/rerank", method="POST", body=rerank).status == 413
        assert len(upstream.seen) == 2


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
    served: str, es: Elasticsearch, index_name: str, other: EmbedderIdentity
) -> None:
    make_index(es, index_name, other)
    own_query = {"query": {"match_all": {}}, "ext": {"es_hybrid": {"text": "red"}}}
    shop = ask(served, "/search", method="POST", body={"text": "red", "index": index_name})
    for got in (search(served, index_name, own_query), shop):
        assert (got.status, got.json()["error"]["type"]) == (500, "internal_exception")
        reason = got.json()["error"]["reason"]
        name, theirs, ours = (
            ("model", "'other'", "'seeded'") if other.model == "other" else ("dims", "32", "64")
        )
        assert (
            f"were made with {name} {theirs}, the configured embedder has {name} {ours}" in reason
        )
