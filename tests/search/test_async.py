"""`AsyncHybridSearch` gives the same answers as `HybridSearch`, many at once."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from elasticsearch import AsyncElasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import ElasticsearchError, InvalidRequest, RequestRefused
from es_hybrid.node import EmbeddedNode
from es_hybrid.retrieval.response import SearchResponse
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.settings import ElasticsearchSettings, Settings

SEARCHES: list[tuple[str, dict[str, Any]]] = [
    ("electric kettle 1.7 L", {"size": 20, "facets": ["lang", "brand"]}),
    ("家用意式咖啡机 可以打奶泡", {"filters": {"lang": ["en", "zh"]}, "page": 2}),
    ("KX-4820B", {"mode": "bm25"}),
    ("running shoes", {"mode": "knn", "selected": {"lang": ["fr"]}, "facets": ["lang"]}),
    ("Kopfhörer", {"sort": ["price:desc"], "highlight": ["title"]}),
    ("chemise d'été légère", {"collapse": "brand", "pinned": ["KIT-008-en"]}),
]


def _unscored(response: SearchResponse) -> Any:
    """All but times and scores."""
    hits = [
        (hit.id, hit.rank, hit.product, hit.group, hit.highlight,
         {stage: place.rank for stage, place in hit.stages.items()})
        for hit in response.hits
    ]  # fmt: skip
    return hits, response.total, response.pages, response.facets


def _scores(response: SearchResponse) -> list[float]:
    places = [place for hit in response.hits for place in hit.stages.values()]
    return [hit.score for hit in response.hits] + [place.score for place in places]


def test_it_answers_like_the_sync_one_also_many_at_once(
    shop: HybridSearch, settings: Settings
) -> None:
    async def all_at_once() -> list[SearchResponse]:
        async with AsyncHybridSearch.open(settings) as search:
            asked = (search.search(text, **options) for text, options in SEARCHES * 4)
            return list(await asyncio.gather(*asked))

    expected = [shop.search(text, **options) for text, options in SEARCHES] * 4
    answers = asyncio.run(all_at_once())
    assert list(map(_unscored, answers)) == list(map(_unscored, expected))
    # Threads may add up a vector in another order, and its last digit differs.
    for answer, single in zip(answers, expected, strict=True):
        assert _scores(answer) == pytest.approx(_scores(single), abs=1e-5)
    assert all(answer.timings["total"] > 0 for answer in answers)


def test_both_run_the_retriever_language(shop: HybridSearch, settings: Settings) -> None:
    retriever = {
        "rrf": {
            "retrievers": [
                {"standard": {"query": {"match": {"title": "kettle"}}}},
                {
                    "knn": {
                        "field": "embedding",
                        "query_vector_builder": {
                            "text_embedding": {"model_id": "any", "model_text": "kettle"}
                        },
                        "k": 20,
                        "num_candidates": 50,
                    }
                },
            ],
            "rank_window_size": 20,
        }
    }

    async def asked() -> Any:
        async with AsyncHybridSearch.open(settings) as search:
            return (await search.retrieve(retriever, size=5, _source=["title"])).hits

    hits = shop.retrieve(retriever, size=5, _source=["title"]).hits
    assert asyncio.run(asked()) == hits
    assert len(hits) == 5
    assert set(hits[0]["_source"]) == {"title"}
    with pytest.raises(RequestRefused) as caught:
        shop.answer({"retriever": {"rrf": {"retrievers": []}}})
    assert caught.value.status == 400


def test_an_own_query_is_the_lexical_leg(shop: HybridSearch) -> None:
    body = {
        "query": {
            "bool": {"must": {"match": {"title": "kettle"}}, "filter": {"term": {"lang": "en"}}}
        },
        "ext": {"es_hybrid": {"text": "boil water quickly"}},
        "_source": ["lang", "title"],
        "size": 20,
    }
    retrieved = shop.answer(body)
    assert {hit["_source"]["lang"] for hit in retrieved.hits} == {"en"}
    assert set(retrieved.stages_of(retrieved.hits[0]))
    lexical = shop.answer({**body, "ext": {"es_hybrid": {"text": "x"}}, "size": 0})
    assert lexical.hits == []


def test_what_is_wrong_is_raised_where_it_is_awaited(
    node: EmbeddedNode, embedder: LocalEmbedder, settings: Settings, index_name: str
) -> None:
    async def searched(url: str, index: str, **options: Any) -> SearchResponse:
        async with AsyncElasticsearch(url) as client:
            search = AsyncHybridSearch(client, index=index, embedder=embedder, settings=settings)
            async with search:
                return await search.search("kettle", **options)

    with pytest.raises(RequestRefused, match="no such index"):
        asyncio.run(searched(node.url, index_name))
    with pytest.raises(InvalidRequest, match="out of range"):
        asyncio.run(searched(node.url, index_name, page=9999))
    with pytest.raises(ElasticsearchError, match="cannot be reached"):
        asyncio.run(searched("http://127.0.0.1:1", index_name))


def test_an_invalid_address_is_refused(settings: Settings) -> None:
    wrong = settings.model_copy(update={"elasticsearch": ElasticsearchSettings(url="nonsense")})
    with pytest.raises(ElasticsearchError, match="nonsense"):
        AsyncHybridSearch.open(wrong)
