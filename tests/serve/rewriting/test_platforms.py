"""Searches of shop platforms through the server, compared with Elasticsearch's answers to them."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from tests.serve.live import JSON, LINES, msearch_lines
from tests.serve.npm import npm_packages
from tests.serve.rewriting.platforms import (
    elasticsuite,
    magento,
    saleor,
    search_ui,
    searchkit,
    shopware,
)
from tests.serve.rewriting.platforms.case import Case, Choice, Platform, rows
from tests.serve.running import Got, ask, serving

MODULES = (searchkit, search_ui, magento, elasticsuite, shopware, saleor)
PLATFORMS = {module.PLATFORM.form: module.PLATFORM for module in MODULES}
# Only of hits that contain words of the query.
OPTIONAL = {"highlight", "matched_queries", "inner_hits"}


def index_of(form: str) -> str:
    return f"test-shop-{form}"


@pytest.fixture(scope="module")
def shops(es: Elasticsearch, embedder: LocalEmbedder) -> Iterator[None]:
    """An index of the same products for each platform."""
    vectors = embedder.embed_documents([row.title for row in rows()]).tolist()
    # Magento reads the ids of its hits as doc values, and asks for this setting.
    setting = "indices.id_field_data.enabled"
    es.cluster.put_settings(persistent={setting: True})
    for form, platform in PLATFORMS.items():
        _make_index(es, index_of(form), platform, vectors, embedder)
    es.indices.create(index="test-shop-without-vectors", mappings={"properties": {}})
    yield
    es.indices.delete(index=[*map(index_of, PLATFORMS), "test-shop-without-vectors"])
    es.cluster.put_settings(persistent={setting: None})


def _make_index(
    es: Elasticsearch, name: str, platform: Platform, vectors: Any, embedder: LocalEmbedder
) -> None:
    identity = embedder.identity
    passport = {
        "vector_field": "embedding", "model": identity.model, "revision": identity.revision,
        "dims": identity.dims, "similarity": "cosine", "query_instruction": "",
        "text_template": ["title"], "text_max_chars": 100,
    }  # fmt: skip
    vector = {"type": "dense_vector", "dims": identity.dims, "similarity": "cosine",
              "index_options": {"type": "hnsw"}}  # fmt: skip
    es.indices.create(
        index=name,
        settings={"number_of_replicas": 0},
        mappings={
            "_meta": {"es_hybrid": passport},
            "properties": {**platform.properties, "embedding": vector},
        },
    )
    documents = (
        {
            "_index": name,
            "_id": str(row.number),
            **platform.document(row),
            "embedding": vector,
        }
        for row, vector in zip(rows(), vectors, strict=True)
    )
    bulk(es, documents, refresh=True)


@pytest.fixture(scope="module")
def server(node: EmbeddedNode, embedder: LocalEmbedder, shops: None) -> Iterator[str]:
    rules = [{"form": form, "index": index_of(form)} for form in PLATFORMS]
    rules.append({"form": "magento", "name": "elsewhere", "index": "test-shop-without-vectors"})
    off = {"enabled": False}
    with serving(node.url, embedder=embedder, serve={"rewrite": rules}, rerank=off) as url:
        yield url


def search(url: str, form: str, case: Case) -> Got:
    target = f"/{index_of(form)}/_search{case.parameters}"
    return ask(url, target, method="POST", body=case.body, headers=JSON)


@pytest.mark.parametrize("form", PLATFORMS)
def test_every_search_is_answered_in_elasticsearch_s_form(
    form: str, node: EmbeddedNode, server: str
) -> None:
    products = {row.number: row for row in rows()}
    cases = list(PLATFORMS[form].cases())
    assert len(cases) >= 30
    more = 0
    for case in cases:
        plain = search(node.url, form, case)
        got = search(server, form, case)
        assert plain.status == got.status == 200, (case, plain.body[:500], got.body[:500])
        expected, answer = plain.json(), got.json()
        if case.text is None:
            assert got.headers["X-Es-Hybrid"] is None, case
            assert _without_took(answer) == _without_took(expected)
            continue
        assert got.headers["X-Es-Hybrid"] == form, case
        assert got.headers["X-Es-Hybrid-Degraded"] is None
        assert _differences(answer, expected, empty=not _total(expected)) == [], case
        found = [products[_number(hit)] for hit in answer["hits"]["hits"]]
        assert all(map(case.allowed, found)), case
        if case.sort is not None:
            keys = list(map(case.sort, found))
            assert keys == sorted(keys), case
        else:
            if "total" not in answer["hits"]:
                continue
            wanted = min(case.body.get("size", 10), _left(answer, case))
            assert len(found) == wanted or "post_filter" in case.body or "collapse" in case.body
            assert _total(answer) >= _total(expected), case
            more += _total(answer) > _total(expected)
    assert more > 10  # the vector leaf did take part


@pytest.mark.parametrize("form", PLATFORMS)
def test_a_query_without_a_shared_word_finds_by_meaning(
    form: str, node: EmbeddedNode, server: str
) -> None:
    text, title = "listen music quietly", "Headphones"
    cases = PLATFORMS[form].cases()
    case = next(case for case in cases if case.text == text and case.sort is None)
    titles = {row.number: row.title for row in rows()}
    plain, hybrid = (search(url, form, case).json() for url in (node.url, server))
    assert not any(title in titles[_number(hit)] for hit in plain["hits"]["hits"])
    assert any(title in titles[_number(hit)] for hit in hybrid["hits"]["hits"][:10])


def test_side_queries_count_what_the_page_shows(server: str) -> None:
    """Searchkit asks for the facets of a chosen brand without that brand, in the same request."""
    index, brand = index_of("searchkit"), "Tarnholm"
    chosen = Choice(brands=(brand,))
    side = searchkit.body("tent", Choice(), size=0, aggs=searchkit.aggregations("brand"))
    for page in (0, 1):
        main = searchkit.body("tent", chosen, size=5, page=page)
        lines = msearch_lines({"index": index}, main, {"index": index}, side)
        got = ask(server, "/_msearch", method="POST", body=lines, headers=LINES)
        assert got.headers["X-Es-Hybrid"] == "searchkit"
        first, second = got.json()["responses"]
        counts = {b["key"]: b["doc_count"] for b in second["aggregations"]["brand"]["buckets"]}
        own = {b["key"]: b["doc_count"] for b in first["aggregations"]["brand"]["buckets"]}
        assert own == {brand: counts[brand]}
        assert _total(first) == counts[brand]
        assert _total(second) == sum(counts.values())


def test_an_index_without_vectors_is_searched_as_before(node: EmbeddedNode, server: str) -> None:
    body = magento.body("kettle", Choice(), sort=())
    target = "/test-shop-without-vectors/_search"
    plain, got = (ask(url, target, method="POST", body=body) for url in (node.url, server))
    assert got.status == 200
    assert got.headers["X-Es-Hybrid"] is None
    assert _without_took(got.json()) == _without_took(plain.json())
    lines = msearch_lines({"index": "test-shop-without-vectors"}, body)
    many = ask(server, "/_msearch", method="POST", body=lines, headers=LINES).json()
    assert _without_took(many["responses"][0]) == {**_without_took(plain.json()), "status": 200}
    metrics = ask(server, "/metrics").body.decode()
    assert 'es_hybrid_rewritten_total{outcome="failed",rule="elsewhere"} 2.0' in metrics
    assert 'es_hybrid_rewritten_total{outcome="rewritten",rule="magento"}' in metrics


def test_the_log_names_the_rules(server: str, caplog: pytest.LogCaptureFixture) -> None:
    fitting, browsing = searchkit.body("tent", Choice()), searchkit.body("", Choice())
    index = {"index": index_of("searchkit")}
    lines = msearch_lines(index, fitting, index, browsing, index, fitting)
    with caplog.at_level(logging.INFO, "es_hybrid.serve.gateway"):
        ask(server, "/_msearch", method="POST", body=lines, headers=LINES)
        ask(server, f"/{index_of('searchkit')}/_search", method="POST", body=browsing)
    answered = [record for record in caplog.records if record.message == "answered"]
    rules = [getattr(record, "rules") for record in answered]  # noqa: B009 - mypy knows no extras
    assert rules == [("searchkit",)]


def test_the_header_switches_one_request_off(node: EmbeddedNode, server: str) -> None:
    case = next(iter(PLATFORMS["magento"].cases()))
    target = f"/{index_of('magento')}/_search"
    got = ask(server, target, method="POST", body=case.body, headers={"X-Es-Hybrid": "off"})
    assert got.headers["X-Es-Hybrid"] is None
    assert _without_took(got.json()) == _without_took(search(node.url, "magento", case).json())


def test_unmodified_storefront_libraries_find_by_meaning(
    node: EmbeddedNode, server: str, storefronts: Path
) -> None:
    plain, hybrid = (_storefront(url, storefronts) for url in (node.url, server))
    title = "Over-Ear Noise Cancelling Bluetooth Headphones, 40-Hour Battery"
    brand = next(row.brand for row in rows() if row.title == title)
    for name in ("searchkit", "searchUi"):
        assert title not in plain[name]["titles"]
        assert title in hybrid[name]["titles"]
        assert sum(hybrid[name]["facet"].values()) == hybrid[name]["total"]
    main, side = hybrid["disjunctive"]
    assert set(main["brands"]) == {brand}
    assert main["total"] == side["facet"][brand] == main["facet"][brand]
    assert hybrid["sorted"]["prices"] == sorted(hybrid["sorted"]["prices"])
    assert set(hybrid["filtered"]["brands"]) == {brand}
    assert hybrid["filtered"]["facet"] == hybrid["searchUi"]["facet"]
    # Browsing and completions stay.
    assert hybrid["browsed"] == plain["browsed"]
    assert hybrid["completed"] == plain["completed"] != []


def _storefront(url: str, folder: Path) -> Any:
    script = Path(__file__).with_name("storefront.mjs")
    command = ["node", str(script), str(folder), url, "listen music quietly", "Sonarque"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def storefronts(request: pytest.FixtureRequest) -> Path:
    """A folder with the libraries, installed once and kept in pytest's cache."""
    return npm_packages(
        request, "storefronts", "searchkit@4.15.0",
        "@elastic/search-ui-elasticsearch-connector@1.24.2",
    )  # fmt: skip


def _number(hit: Mapping[str, Any]) -> int:
    return int(hit["_id"] if "_id" in hit else hit["fields"]["_id"][0])


def _total(answer: Mapping[str, Any]) -> int:
    return int(answer["hits"].get("total", {}).get("value", 0))


def _left(answer: Mapping[str, Any], case: Case) -> int:
    return max(0, _total(answer) - int(case.body.get("from", 0)))


def _without_took(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "took"}


def _differences(answer: Any, expected: Any, path: str = "", *, empty: bool = False) -> list[str]:
    """Where keys or types of an answer differ from the expected ones.

    Args:
        empty: Nothing was expected to be found. Then a maximum is null, and a mean NaN.
    """
    if isinstance(answer, Mapping) and isinstance(expected, Mapping):
        missing = expected.keys() ^ answer.keys()
        if path.endswith(".highlight"):  # fields with a match
            missing = set()
        different = [f"{path}.{name}" for name in sorted(missing - OPTIONAL)]
        for name in answer.keys() & expected.keys():
            below = f"{path}.{name}"
            different += _differences(answer[name], expected[name], below, empty=empty)
        return different
    if isinstance(answer, list) and isinstance(expected, list):
        if path.endswith(".sort"):
            expected = dict(enumerate(expected))
            return _differences(dict(enumerate(answer)), expected, f"{path}s", empty=empty)
        found = [_differences(item, expected[0], f"{path}[]") for item in answer if expected]
        return sorted({difference for each in found for difference in each})
    kinds = [_kind(value) for value in (answer, expected)]
    if kinds[0] == kinds[1]:
        return []
    if expected in (None, "NaN") and (empty or path.startswith(".aggregations")):
        return []
    return [f"{path}: {json.dumps(kinds)}"]


def _kind(value: Any) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return "number"
    return type(value).__name__
