"""`HybridSearch` on a real Elasticsearch, with the sample catalogue and the embedded encoder."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.embedding.openai import OpenAIEmbedder
from es_hybrid.errors import (
    ElasticsearchError,
    EmbeddingError,
    IndexStateError,
    InvalidRequest,
    PassportMismatch,
    RequestRefused,
    RerankError,
)
from es_hybrid.reranking import Reranker
from es_hybrid.retrieval.response import StageRank
from es_hybrid.search import HybridSearch
from es_hybrid.settings import EmbeddingSettings, Settings
from tests.conftest import CATALOGUE_INDEX
from tests.fakes.embedding import EmbeddingServer
from tests.fakes.http import dead_url
from tests.fakes.models import FakeReranker

Reranked = Callable[[Reranker, Settings], HybridSearch]

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in files("es_hybrid.data").joinpath("products.jsonl").read_text("utf-8").splitlines()
]


def _groups(shop: HybridSearch, query: str, **options: Any) -> list[str]:
    """The product groups found, without their language."""
    return [hit.id.rsplit("-", 1)[0] for hit in shop.search(query, **options).hits]


def test_the_summer_outfit_is_found_without_a_word_in_common(shop: HybridSearch) -> None:
    assert set(_groups(shop, "我想买一件夏天穿的透气男装", size=5)) == {"APP-001", "APP-004"}


def test_a_chinese_query_finds_the_product_that_is_described_in_english_only(
    shop: HybridSearch,
) -> None:
    assert shop.search("家用意式咖啡机 可以打奶泡").hits[0].id == "KIT-008-en"
    assert "KIT-008-en" not in [
        hit.id for hit in shop.search("家用意式咖啡机 可以打奶泡", mode="bm25").hits
    ]


def test_an_exact_model_number_comes_before_its_look_alikes(shop: HybridSearch) -> None:
    assert shop.search("KX-4820B", mode="knn").hits[0].source["sku"] != "KX-4820B"
    for spelling in ("KX-4820B", "kx-4820b", "  KX-4820B "):
        hits = shop.search(spelling).hits
        assert [hit.source["sku"] for hit in hits[:5]] == ["KX-4820B"] * 5


def test_a_gtin_finds_its_product_in_every_language(shop: HybridSearch) -> None:
    row = next(row for row in ROWS if row["group"] == "KIT-002")
    assert set(_groups(shop, row["gtin"], size=5)) == {"KIT-002"}


def test_each_hit_names_its_rank_and_score_in_each_leg(shop: HybridSearch) -> None:
    response = shop.search("electric kettle 1.7 L", size=20)
    assert [hit.rank for hit in response.hits] == list(range(1, 21))
    for hit in response.hits:
        expected = sum(
            weight / (60 + hit.stages[leg].rank)
            for leg, weight in (("bm25", 1.0), ("knn", 0.7))
            if leg in hit.stages
        )
        assert hit.score == pytest.approx(expected)
        assert hit.stages["rrf"] == StageRank(hit.rank, hit.score)
        assert "embedding" not in hit.source
    for leg in ("bm25", "knn"):
        single = shop.search("electric kettle 1.7 L", mode=leg, size=100)
        ranks = {hit.id: hit.rank for hit in single.hits}
        found = {hit.id: hit.stages[leg].rank for hit in response.hits if leg in hit.stages}
        if leg == "knn":
            assert found.items() <= ranks.items()
        else:  # alone the lexical leg takes any word, so only the order holds
            assert sorted(found, key=found.__getitem__) == sorted(found, key=ranks.__getitem__)


def test_filters_hold_in_both_legs(shop: HybridSearch) -> None:
    response = shop.search(
        "running shoes", filters={"brand": ["Nike", "耐克"], "price": {"lte": 200}}, size=100
    )
    assert response.hits
    for hit in response.hits:
        assert hit.source["brand"] in ("Nike", "耐克")
        assert hit.source["price"] <= 200
    assert {leg for hit in response.hits for leg in hit.stages} >= {"bm25", "knn"}


def test_total_and_facets_describe_the_union_of_the_legs(shop: HybridSearch) -> None:
    response = shop.search("wireless charging pad", facets=["lang", "brand"], size=1000)
    assert response.total == len(response.hits)
    for field in ("lang", "brand"):
        counted: dict[str, int] = {}
        for hit in response.hits:
            if field in hit.source:
                counted[hit.source[field]] = counted.get(hit.source[field], 0) + 1
        assert response.facets[field] == counted
        assert list(response.facets[field].values()) == sorted(counted.values(), reverse=True)


@pytest.mark.parametrize("mode", ["bm25", "knn", "hybrid"])
def test_pages_are_cut_from_one_ranking(shop: HybridSearch, mode: Any) -> None:
    whole = shop.search("Kopfhörer", mode=mode, size=30).hits
    pages = [shop.search("Kopfhörer", mode=mode, size=10, page=page).hits for page in (1, 2, 3)]
    assert [hit.id for page in pages for hit in page] == [hit.id for hit in whole]
    assert [hit.rank for page in pages for hit in page] == [hit.rank for hit in whole]


def test_a_page_past_the_end_is_empty_and_keeps_the_total(shop: HybridSearch) -> None:
    response = shop.search("kettle", page=900, size=11)
    assert response.hits == []
    assert response.total > 0


@pytest.mark.parametrize("text", ["", "  \n", "\u3000", "\x00", "\u200b\ufeff"])
def test_a_blank_query_is_refused(shop: HybridSearch, text: str) -> None:
    with pytest.raises(InvalidRequest, match="blank"):
        shop.search(text)


def test_pages_out_of_range_are_refused(shop: HybridSearch) -> None:
    with pytest.raises(InvalidRequest, match="out of range"):
        shop.search("kettle", page=1001, size=10)


@pytest.mark.parametrize(
    "text",
    [
        "😀🎉",
        "*",
        "title:(",
        "a" * 100_000,
        "kettle " * 20_000,
        "a\x00",
        "".join(map(chr, range(0x4E00, 0x5200))),
    ],
)
def test_odd_queries_are_answered(shop: HybridSearch, text: str) -> None:
    response = shop.search(text)
    assert response.hits
    assert bool(response.degraded) == (len(text) > 1000)


def test_an_unknown_facet_field_counts_nothing_and_a_text_field_is_refused_by_name(
    shop: HybridSearch,
) -> None:
    assert shop.search("kettle", facets=["nonsense"]).facets == {"nonsense": {}}
    with pytest.raises(ElasticsearchError, match=r"the bm25 leaf: .*title"):
        shop.search("kettle", facets=["title"])


def test_without_an_embedding_server_the_lexical_leg_answers_and_says_so(
    es: Elasticsearch, catalogue: str, settings: Settings
) -> None:
    dead = OpenAIEmbedder(EmbeddingSettings(base_url=f"{dead_url()}/v1", max_retries=0))
    shop = HybridSearch(es, index=catalogue, embedder=dead, settings=settings)
    response = shop.search("electric kettle")
    assert response.hits
    assert response.degraded[0].startswith("embedding: cannot be reached")
    alone = shop.search("electric kettle", mode="bm25")
    assert [hit.id for hit in response.hits] == [hit.id for hit in alone.hits]
    with pytest.raises(EmbeddingError):
        shop.search("electric kettle", mode="knn")
    dead.close()


def test_an_embedder_of_other_dims_is_refused_with_both_sides_named(
    es: Elasticsearch, catalogue: str, settings: Settings
) -> None:
    with EmbeddingServer(dims=64) as server:
        other = OpenAIEmbedder(EmbeddingSettings(base_url=server.url, model="other-model"))
        shop = HybridSearch(es, index=catalogue, embedder=other, settings=settings)
        with pytest.raises(PassportMismatch) as caught:
            shop.search("kettle")
        other.close()
    assert "universal-sentence-encoder-multilingual" in str(caught.value)
    assert "other-model" in str(caught.value)


def test_an_absent_index_and_one_without_a_passport_are_named(
    es: Elasticsearch, embedder: LocalEmbedder, index_name: str
) -> None:
    with pytest.raises(RequestRefused, match=f"index {index_name}: no such index"):
        HybridSearch(es, index=index_name, embedder=embedder)
    es.indices.create(index=index_name)
    with pytest.raises(IndexStateError, match="no es-hybrid passport"):
        HybridSearch(es, index=index_name, embedder=embedder)


@pytest.fixture
def reranked(es: Elasticsearch, embedder: LocalEmbedder) -> Reranked:
    """The catalogue's search with a reranker."""

    def make(reranker: Reranker, settings: Settings) -> HybridSearch:
        return HybridSearch(
            es, index=CATALOGUE_INDEX, embedder=embedder, reranker=reranker, settings=settings
        )

    return make


def test_the_reranker_orders_its_window_and_the_rest_keeps_its_place(
    shop: HybridSearch, reranked: Reranked, settings: Settings
) -> None:
    narrow = settings.model_copy(
        update={"rerank": settings.rerank.model_copy(update={"window": 10})}
    )
    reranker = FakeReranker()
    response = reranked(reranker, narrow).search("electric kettle", size=20)
    fused = shop.search("electric kettle", size=20).hits
    assert response.reranked == 10
    assert {hit.id for hit in response.hits[:10]} == {hit.id for hit in fused[:10]}
    assert [hit.id for hit in response.hits[10:]] == [hit.id for hit in fused[10:]]
    scores = [hit.stages["rerank"].score for hit in response.hits[:10]]
    assert scores == sorted(scores, reverse=True)
    assert all("rerank" not in hit.stages for hit in response.hits[10:])
    assert reranker.calls[0].documents[0].startswith(fused[0].source["title"])


def test_what_is_asked_for_by_its_sku_is_not_reranked(
    shop: HybridSearch, reranked: Reranked, settings: Settings
) -> None:
    response = reranked(FakeReranker(), settings).search("KX-4820B")
    assert response.reranked == 0
    assert response.degraded == ()
    assert [hit.id for hit in response.hits] == [hit.id for hit in shop.search("KX-4820B").hits]


def test_a_broken_reranker_leaves_the_fused_order_and_says_so(
    shop: HybridSearch, reranked: Reranked, settings: Settings
) -> None:
    response = reranked(FakeReranker(error=RerankError("out of memory")), settings).search(
        "electric kettle"
    )
    assert response.degraded == ("rerank: out of memory",)
    assert response.reranked == 0
    assert [hit.id for hit in response.hits] == [
        hit.id for hit in shop.search("electric kettle").hits
    ]
