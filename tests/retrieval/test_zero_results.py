"""Searches that find nothing, on the real node, over the sample catalogue."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import replace
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.evaluation.floor import calibrate_index
from es_hybrid.index.lifecycle import read_mappings, write_meta
from es_hybrid.index.passport import Passport
from es_hybrid.retrieval.context import Context
from es_hybrid.retrieval.request import SearchRequest
from es_hybrid.retrieval.response import Retrieved
from es_hybrid.retrieval.zero_results import judged
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.understanding.meaning import Meaning

Shop = HybridSearch
NEAREST = {"bm25": (), "knn": (0.7,)}
PASSPORT = Passport(
    vector_field="embedding", model="m", revision="", dims=2, similarity="cosine",
    query_instruction="", text_template=("title",), text_max_chars=100,
)  # fmt: skip


def returned(search: Generator[Any, Any, Retrieved]) -> Retrieved:
    """The result of a generator that needs nothing."""
    with pytest.raises(StopIteration) as end:
        next(search)
    found: Retrieved = end.value.value
    return found


@pytest.fixture(scope="module")
def calibrated(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> Iterator[str]:
    """The sample catalogue, with a floor for as long as these tests run."""
    ((index, mapping),) = read_mappings(es, catalogue).items()
    list(calibrate_index(es, catalogue, catalogue_settings, embedder))
    yield catalogue
    write_meta(es, index, mapping["_meta"])


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch, calibrated: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> Shop:
    return HybridSearch(es, index=calibrated, embedder=embedder, settings=catalogue_settings)


def test_goods_that_are_not_sold_are_similar_at_best(shop: Shop) -> None:
    found = shop.search("diesel oil", facets=["brand", "price:10,50"], collapse="brand")
    assert (found.zero_results, found.total, found.pages) == ("not_sold", 0, 0)
    assert found.hits == []
    assert found.facets == {"brand": {}, "price": {}}
    everything = shop.search("diesel oil", floor=False, collapse="brand", size=6)
    assert everything.total > 10
    assert everything.zero_results is None
    assert [hit.id for hit in found.similar] == [hit.id for hit in everything.hits]
    assert everything.similar == ()


def test_only_the_first_page_shows_similar_products(shop: Shop) -> None:
    found = shop.search("diesel oil", page=2)
    assert (found.total, found.hits, found.similar) == (0, [], ())


@pytest.mark.parametrize(
    "query",
    [
        "kettle",
        "breathable shirt",
        # No product has the words: sentences, and another language than the product's.
        "carrier to fly with my cat",
        "Was hilft gegen einen steifen Nacken am Morgen?",
        "我想买一件夏天穿的透气男装",
        # A language that the catalogue does not have.
        "электрический чайник",
    ],
)
def test_what_is_sold_is_found(shop: Shop, query: str) -> None:
    found = shop.search(query)
    assert (found.zero_results, found.similar) == (None, ())
    assert found.total > 0
    assert found.hits


@pytest.mark.parametrize("query", ["xkqzvtr", "fohojiru", "qwertz asdfg"])
def test_gibberish_finds_nothing(shop: Shop, query: str) -> None:
    assert shop.search(query).zero_results == "not_sold"


def test_an_unknown_number_never_shows_a_similar_one_as_found(shop: Shop) -> None:
    assert shop.search("KX-4820B").total > 0
    unknown = shop.search("KX-4977Q")
    assert (unknown.zero_results, unknown.total) == ("identifier", 0)
    assert len(unknown.similar) == 6
    assert shop.search("EAN 4006381333931").zero_results == "identifier"


def test_why_filters_or_words_find_nothing(shop: Shop) -> None:
    by_filter = shop.search("kettle", filters={"price": {"gt": 1_000_000}})
    assert (by_filter.zero_results, by_filter.similar) == ("filters", ())
    assert shop.search("diesel", mode="bm25").zero_results == "words"
    # The nearest neighbours are all that was asked for.
    assert shop.search("diesel oil", mode="knn").total > 0


def test_pinned_products_are_always_found(shop: Shop) -> None:
    pinned = shop.search("kettle").hits[0].id
    found = shop.search("diesel oil", pinned=[pinned])
    assert (found.zero_results, found.hits[0].id) == (None, pinned)


@pytest.mark.parametrize(
    ("changed", "similar"), [({"floor": False}, None), ({"similar": 2}, 2), ({"similar": 0}, 0)]
)
def test_settings(
    es: Elasticsearch,
    calibrated: str,
    embedder: LocalEmbedder,
    catalogue_settings: Settings,
    changed: dict[str, int],
    similar: int | None,
) -> None:
    settings = catalogue_settings.with_(search=changed)
    shop = HybridSearch(es, index=calibrated, embedder=embedder, settings=settings)
    found = shop.search("diesel oil")
    assert (found.total > 0) == (similar is None)
    assert len(found.similar) == (similar or 0)


def test_without_a_floor_every_query_but_a_number_finds_something(
    es: Elasticsearch,
    calibrated: str,
    embedder: LocalEmbedder,
    catalogue_settings: Settings,
) -> None:
    ((index, mapping),) = read_mappings(es, calibrated).items()
    passport = {k: v for k, v in mapping["_meta"]["es_hybrid"].items() if k != "floor"}
    write_meta(es, index, {"es_hybrid": passport})
    try:
        shop = HybridSearch(es, index=calibrated, embedder=embedder, settings=catalogue_settings)
        assert shop.search("diesel oil").total > 0
        assert shop.search("KX-4977Q").zero_results == "identifier"
    finally:
        write_meta(es, index, mapping["_meta"])


@pytest.mark.parametrize("fault", [{"timed_out": True}, {"_shards": {"total": 2, "failed": 1}}])
def test_what_was_not_searched_may_have_it(fault: dict[str, Any]) -> None:
    answer = {"timed_out": False, "_shards": {"total": 2, "failed": 0}}
    found = Retrieved(answer=answer, meaning=Meaning("KX-4977Q"), passport=PASSPORT, best=NEAREST)
    request, context = SearchRequest(text="KX-4977Q"), Context()
    assert returned(judged(found, request, context)).not_found == "identifier"
    broken = replace(found, answer={**answer, **fault})
    assert returned(judged(broken, request, context)).not_found is None
