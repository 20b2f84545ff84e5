"""`POST /search`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.node import EmbeddedNode
from es_hybrid.understanding import synonym_file
from tests.fakes.elasticsearch import refusal
from tests.fakes.http import Answer, HttpServer, Request, json_answer
from tests.fakes.models import FakeEmbedder
from tests.serve.live import Recorder, make_index
from tests.serve.running import ask, serving

# The bundled model takes seconds to load.
NO_RERANKER = {"enabled": False}


def test_a_shop_search(served: str, products: str) -> None:
    asked = {"text": "hat", "index": products, "facets": ["brand"], "filters": {"price": {"gt": 1}}}
    got = ask(served, "/search", method="POST", body=asked)
    answer = got.json()
    assert got.status == 200
    assert [hit["id"] for hit in answer["hits"]] == ["2", "3"]
    assert answer["facets"] == {"brand": {"a": 1, "b": 1}}
    assert answer["hits"][0]["stages"]["rerank"]["rank"] == 1
    assert answer["degraded"] == []


def test_signals_of_a_request_order_the_hits(served: str, products: str) -> None:
    asked = {"text": "hat", "index": products, "rerank": False, "explain": True}
    for weight in (1, -1):
        signals = [{"name": "b", "filter": {"brand": "b"}, "weight": weight}]
        got = ask(served, "/search", method="POST", body={**asked, "signals": signals})
        hits = got.json()["hits"]
        order = [hit["id"] for hit in hits]
        assert (order.index("3") < order.index("2")) == (weight > 0)
        shares = [each["value"] for each in hits[0]["explanation"]["details"]]
        assert sum(shares) == pytest.approx(hits[0]["stages"]["signals"]["score"], abs=1e-6)


def test_a_page_with_limits(served: str, products: str) -> None:
    asked = {"text": "hat", "index": products, "limit_per": {"brand": 1}, "diversity": 0.2}
    answer = ask(served, "/search", method="POST", body=asked).json()
    assert [hit["stages"]["spread"]["rank"] for hit in answer["hits"]] == [1, 2, 3]
    assert len({hit["source"]["brand"] for hit in answer["hits"][:2]}) == 2


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({"text": "a", "limit_per": {"brand": 0}}, 400, "[limit_per"),
        ({"text": "a", "diversity": 2}, 400, "[diversity]"),
        ({"text": ""}, 400, "[text]"),
        ({"text": "a", "size": 0}, 400, "[size]"),
        ({"text": "a", "colour": 1}, 400, "[colour]: unknown field"),
        ({"text": "a", "filters": {"price": {"near": 1}}}, 400, "near"),
        ({"text": "a", "signals": [{"field": "price", "seed": 1}]}, 400, "set one of field"),
        (
            {"text": "a", "signals": [{"field": "margin"}]},
            400,
            "signal margin: no index has a field [margin]; map",
        ),
        ({"text": "a", "signals": [{"seed": 1}] * 21}, 400, "[signals]"),
        ({"text": "a", "index": "no-such-index"}, 404, "no such index"),
        ({"text": "a", "page": 5000, "size": 1000}, 400, "out of range"),
    ],
)
def test_an_invalid_shop_search_is_refused_with_the_reason(
    served: str, products: str, body: dict[str, Any], status: int, words: str
) -> None:
    got = ask(served, "/search", method="POST", body={"index": products, **body})
    assert (got.status, got.json()["status"]) == (status, status)
    assert words in got.json()["error"]["reason"]


# fmt: off
NOT_CONFIGURED = [
    "orders", "products,orders", "products,", "*", "_all", "prod*", "products*", "*,-x",
    "products,-products,orders", "-orders", "+products", "<products>", "<products-{now/d}>",
    "other:products", "*:products", "products::failures", "PRODUCTS", " products", "products ",
    "products\u0000", "./products", "products/_doc", "%70roducts", "products%2Corders",
    "..", ".security", "products?", "\uff50roducts", "products\n",
]
# fmt: on


def test_it_reads_the_configured_indices_only_whoever_asks() -> None:
    with (
        HttpServer() as upstream,
        serving(
            upstream.url,
            embedder=FakeEmbedder(),
            elasticsearch={"api_key": "b3Vycw=="},
            serve={"indices": ["products", "shop"]},
            rerank=NO_RERANKER,
        ) as url,
    ):
        for index in NOT_CONFIGURED:
            for headers in ({}, {"Authorization": "Basic b3duOm93bg=="}):
                asked = {"text": "Ms Smith", "index": index}
                got = ask(url, "/search", method="POST", body=asked, headers=headers)
                assert (got.status, got.json()["error"]["type"]) == (403, "security_exception")
        assert upstream.seen == []


def test_by_default_it_reads_the_configured_index_only(node: EmbeddedNode, products: str) -> None:
    with serving(
        node.url, embedder=FakeEmbedder(), index={"name": products}, rerank=NO_RERANKER
    ) as url:
        for body, status in (({}, 200), ({"index": products}, 200), ({"index": "orders"}, 403)):
            got = ask(url, "/search", method="POST", body={"text": "red", **body})
            assert got.status == status


def test_every_index_behind_an_alias_needs_a_passport(
    node: EmbeddedNode, es: Elasticsearch, index_name: str
) -> None:
    shop, orders, alias = (f"{index_name}-{kind}" for kind in ("shop", "orders", "alias"))
    make_index(es, shop, FakeEmbedder.identity)
    es.index(index=orders, document={"title": "red order of Ms Smith"}, refresh=True)
    es.indices.put_alias(index=shop, name=alias)
    asked = {"text": "red", "index": alias, "mode": "bm25", "facets": ["title.keyword"]}
    with serving(
        node.url, embedder=FakeEmbedder(), serve={"indices": [alias]}, rerank=NO_RERANKER
    ) as url:
        assert ask(url, "/search", method="POST", body=asked).status == 200
        es.indices.put_alias(index=orders, name=alias)
        got = ask(url, "/search", method="POST", body=asked)
    assert got.status == 400
    assert f"has no es-hybrid passport: {orders}" in got.json()["error"]["reason"]
    assert b"Smith" not in got.body


@pytest.mark.parametrize(
    "lookup",
    [
        {"index": "orders", "id": "1", "path": "iban"},
        {"_index": "orders", "_id": "1"},
        {"indexed_shape": {"index": "orders", "id": "1"}},
        {"gte": {"index": "orders"}},
        {"not": {"index": "orders", "id": "1", "path": "iban"}},
        {"nested": {"index": {"index": "orders"}}},
        {"script": {"source": "1"}},
    ],
)
def test_a_filter_cannot_look_into_another_index(
    served: str, products: str, lookup: dict[str, Any]
) -> None:
    for name in ("filters", "selected"):
        body = {"text": "red", "index": products, name: {"brand": lookup}}
        got = ask(served, "/search", method="POST", body=body)
        assert got.status in (200, 400)
        assert got.status == 400 or got.json()["hits"] == []


def test_a_changed_file_of_synonyms_is_used_without_a_restart(
    node: EmbeddedNode, products: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synonym_file, "_PAUSE", 0.0)
    rules = tmp_path / "synonyms.txt"
    rules.write_text("# none yet", "utf-8")
    with serving(
        node.url,
        embedder=FakeEmbedder(),
        index={"name": products},
        rerank=NO_RERANKER,
        search={"synonyms": str(rules)},
    ) as url:

        def found() -> Any:
            return ask(url, "/search", method="POST", body={"text": "cap", "mode": "bm25"}).json()

        assert found()["hits"] == found()["synonyms"] == []
        rules.write_text("cap, hat", "utf-8")
        assert [hit["id"] for hit in found()["hits"]] == ["2", "3"]
        assert found()["synonyms"] == [{"text": "cap", "searched": ["cap", "hat"]}]


def test_a_set_of_synonyms_is_read_with_the_caller_s_credentials(
    node: EmbeddedNode, products: str
) -> None:
    def script(request: Request) -> Answer:
        if not request.path.startswith("/_synonyms"):
            return Recorder(node)(request)
        if request.header("Authorization") != "Basic friend":
            return refusal(403)
        return json_answer(200, {"count": 1, "synonyms_set": [{"id": "1", "synonyms": "cap, hat"}]})

    with (
        HttpServer(script) as upstream,
        serving(
            upstream.url,
            embedder=FakeEmbedder(),
            index={"name": products},
            rerank=NO_RERANKER,
            search={"synonyms": "es://shop"},
        ) as url,
    ):
        for _ in range(2):
            for caller, found in (("Basic friend", ["2", "3"]), ("Basic guest", [])):
                answer = ask(
                    url,
                    "/search",
                    method="POST",
                    body={"text": "cap", "mode": "bm25"},
                    headers={"Authorization": caller},
                ).json()
                assert [hit["id"] for hit in answer["hits"]] == found
                assert bool(answer["degraded"]) == (not found)
