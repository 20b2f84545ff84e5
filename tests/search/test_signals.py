"""Signals in a shop's search: where they apply, and what they leave alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch, Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EmbeddingAway, InvalidRequest, RequestRefused
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.settings.signals import read_signals
from tests.conftest import CATALOGUE_INDEX
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.live import make_index

QUERY = "wireless headphones"
CHEAP = {"name": "cheap", "field": "price", "modifier": "reciprocal", "weight": 3}
ENGLISH = {"filter": {"lang": "en"}, "weight": 0.2}
SIGNALS: list[dict[str, Any]] = [CHEAP, ENGLISH, {"seed": 5, "weight": 0.01}]


def _ids(response: SearchResponse) -> list[str]:
    return [hit.id for hit in response.hits]


def _shop(es: Elasticsearch, embedder: Any, settings: Settings, **more: Any) -> HybridSearch:
    return HybridSearch(es, index=CATALOGUE_INDEX, embedder=embedder, settings=settings, **more)


@pytest.mark.parametrize("mode", ["hybrid", "bm25", "knn"])
def test_they_change_order_and_scores_only(shop: HybridSearch, mode: Any) -> None:
    options: dict[str, Any] = {
        "mode": mode, "size": 100, "facets": ["brand", "lang"], "highlight": ["title"],
        "selected": {"lang": ["en", "fr"]},
    }  # fmt: skip
    plain = shop.search(QUERY, **options)
    found = shop.search(QUERY, signals=SIGNALS, **options)
    assert _ids(found) != _ids(plain)
    assert (found.total, found.facets, found.pages) == (plain.total, plain.facets, plain.pages)
    before = {hit.id: hit for hit in plain.hits}
    for hit in found.hits:
        same = before[hit.id]
        assert (hit.source, hit.highlight) == (same.source, same.highlight)
        assert hit.stages["signals"].rank == hit.rank
        assert hit.score == hit.stages["signals"].score
        assert {**hit.stages, "signals": None} == {**same.stages, "signals": None}


def test_both_forms_of_the_vector_leaf_read_the_same(
    es: Elasticsearch, embedder: LocalEmbedder, catalogue: str, settings: Settings
) -> None:
    shop = _shop(es, embedder, settings)
    assert "one_shard" in vars(shop._context.abilities)
    as_section, as_query = (shop.search(QUERY, signals=SIGNALS, facets=["lang"]) for _ in range(2))
    assert shop._context.abilities.one_shard._indices[CATALOGUE_INDEX]
    assert as_section.hits == as_query.hits
    assert as_section.facets == as_query.facets


def test_those_of_the_settings_apply_unless_a_search_has_its_own(
    es: Elasticsearch, embedder: LocalEmbedder, catalogue: str, settings: Settings
) -> None:
    signals = read_signals(SIGNALS)
    shop = _shop(es, embedder, settings.with_(search={"signals": signals}))
    plain = _shop(es, embedder, settings)
    assert _ids(shop.search(QUERY)) == _ids(plain.search(QUERY, signals=SIGNALS))
    assert shop.search(QUERY, signals=[]).hits == plain.search(QUERY).hits
    assert _ids(shop.search(QUERY, signals=[CHEAP])) == _ids(plain.search(QUERY, signals=[CHEAP]))


def test_a_sorted_search_ignores_them(shop: HybridSearch) -> None:
    plain = shop.search(QUERY, sort=["price"])
    assert shop.search(QUERY, sort=["price"], signals=SIGNALS).hits == plain.hits


def test_groups_and_pinned_ids_are_above_them(shop: HybridSearch) -> None:
    found = shop.search(QUERY, signals=SIGNALS, pinned=["APP-001-zh"], collapse="brand", size=5)
    assert found.hits[0].id == "APP-001-zh"
    whole = shop.search(QUERY, signals=SIGNALS, cutoff=0, size=100).hits
    best = {hit.source.get("brand"): hit.id for hit in reversed(whole)}
    assert [best[hit.group] for hit in found.hits[1:]] == [hit.id for hit in found.hits[1:]]


def test_what_is_named_by_its_number_stays_first(shop: HybridSearch) -> None:
    signals = [{"filter": {"sku": "KX-4820B"}, "weight": -9}]
    found = shop.search("KX-4820B", signals=signals)
    named = [hit.source["sku"] == "KX-4820B" for hit in found.hits]
    assert named == sorted(named, reverse=True)
    last = sum(named)
    assert found.hits[last - 1].score < found.hits[last].score
    assert found.reranked == 0


def test_without_vectors_they_still_apply(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, settings: Settings
) -> None:
    class Away:
        identity = embedder.identity
        batch_size = concurrency = 1

        def embed_documents(self, texts: Any) -> Any:
            raise EmbeddingAway("cannot be reached")

        def embed_query(self, text: str, *, timeout: float | None = None) -> Any:
            raise EmbeddingAway("cannot be reached")

        def close(self) -> None:
            """Nothing to close."""

    shop = _shop(es, Away(), settings)
    found, plain = (shop.search(QUERY, signals=given) for given in (SIGNALS, []))
    assert found.degraded == plain.degraded == ("embedding: cannot be reached",)
    assert found.hits[0].stages.keys() == {"bm25", "rrf", "signals"}
    assert _ids(found) != _ids(plain)


def test_a_reranker_has_its_share_of_the_score(
    es: Elasticsearch, embedder: LocalEmbedder, catalogue: str, settings: Settings
) -> None:
    """With the whole weight it decides alone; its ties keep the order of the signals."""
    ordered = _shop(es, embedder, settings).search(QUERY, signals=SIGNALS, size=50)
    level = FakeReranker(lambda text: 0.5)
    for weight in (0.4, 1.0):
        shop = _shop(es, embedder, settings.with_(rerank={"weight": weight}), reranker=level)
        found = shop.search(QUERY, signals=SIGNALS, size=50, explain=True)
        assert found.reranked == 50
        assert _ids(found) == _ids(ordered)
        for hit in found.hits:
            assert hit.explanation is not None
            stage, reranker = (each["value"] for each in hit.explanation["details"])
            assert reranker == pytest.approx(weight * 0.5)
            assert stage + reranker == pytest.approx(hit.score, abs=1e-6)


def test_explanations_name_each_signal(shop: HybridSearch) -> None:
    hit = shop.search(QUERY, signals=SIGNALS, explain=True, size=1).hits[0]
    assert hit.explanation is not None
    first, *others = hit.explanation["details"]
    assert "rrf score" in first["details"][0]["description"]
    described = [each["description"].partition(":")[0] for each in others]
    assert described[:3] == ["signal cheap", "signal filter", "signal random"]


@pytest.mark.parametrize(
    ("signal", "problem"),
    [
        ({"field": "margn"}, "no index has a field [margn]"),
        ({"filter": {"in_stok": True}}, "no index has a field [in_stok]"),
        ({"field": "title"}, "[title] is of type text, not a number"),
        ({"field": "brand"}, "[brand] is of type keyword, not a number"),
        ({"field": "price", "decay": "exp", "scale": "3d"}, "[price] is of type double, not a da"),
    ],
)
def test_a_field_that_the_index_lacks_is_named(
    shop: HybridSearch, signal: dict[str, Any], problem: str
) -> None:
    with pytest.raises(RequestRefused) as raised:
        shop.search(QUERY, signals=[{"name": "odd", **signal}])
    assert raised.value.status == 400
    assert f"signal odd: {problem}" in raised.value.message
    assert "search without this signal" in raised.value.message


def test_a_filter_that_cannot_be_read_names_its_signal(shop: HybridSearch) -> None:
    with pytest.raises(InvalidRequest, match="signal odd: filter price: unknown operator 'near'"):
        shop.search(QUERY, signals=[{"name": "odd", "filter": {"price": {"near": 3}}}])


def test_a_field_mapped_since_the_last_search_is_noticed(
    es: Elasticsearch, index_name: str, settings: Settings
) -> None:
    make_index(es, index_name, FakeEmbedder.identity)
    shop = HybridSearch(es, index=index_name, embedder=FakeEmbedder(), settings=settings)
    with pytest.raises(RequestRefused, match="no index has a field"):
        shop.search("hat", signals=[{"field": "stock"}])
    es.indices.put_mapping(index=index_name, properties={"stock": {"type": "integer"}})
    assert shop.search("hat", signals=[{"field": "stock"}]).hits


def test_asynchronously_the_same(
    node: Any, shop: HybridSearch, embedder: LocalEmbedder, settings: Settings
) -> None:
    async def searched() -> SearchResponse:
        async with AsyncElasticsearch(node.url) as client:
            other = AsyncHybridSearch(
                client, index=CATALOGUE_INDEX, embedder=embedder, settings=settings
            )
            return await other.search(QUERY, signals=SIGNALS)

    assert asyncio.run(searched()).hits == shop.search(QUERY, signals=SIGNALS).hits
