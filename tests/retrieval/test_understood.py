"""Corrected searches on the real node, over the sample catalogue."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.understanding.store import VOCABULARIES


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> HybridSearch:
    """A search of the sample catalogue."""
    return HybridSearch(es, index=catalogue, embedder=embedder, settings=catalogue_settings)


def test_a_misspelt_query_finds_what_the_right_one_finds(shop: HybridSearch) -> None:
    right = shop.search("mechanical keyboard")
    wrong = shop.search("mechancal keybaord", facets=["brand"], highlight=["title"])
    assert [hit.id for hit in wrong.hits] == [hit.id for hit in right.hits]
    assert wrong.corrected == "mechanical keyboard"
    assert wrong.replaced == {"mechancal": "mechanical", "keybaord": "keyboard"}
    assert wrong.total == right.total
    assert "<em>Mechanical</em>" in wrong.hits[0].highlight["title"][0]


def test_words_as_typed_on_request(shop: HybridSearch) -> None:
    found = shop.search("mechancal keybaord", correct=False)
    assert found.corrected == ""
    assert all("bm25" not in hit.stages for hit in found.hits)


def test_a_right_query_is_searched_as_it_is(shop: HybridSearch) -> None:
    assert shop.search("mechanical keyboard").corrected == ""
    assert shop.search("机械键盘").corrected == ""


def test_the_setting_turns_corrections_off(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    search = catalogue_settings.search.model_copy(update={"spelling": False})
    off = catalogue_settings.model_copy(update={"search": search})
    shop = HybridSearch(es, index=catalogue, embedder=embedder, settings=off)
    assert shop.search("mechancal keybaord").corrected == ""


def test_a_word_that_only_the_index_knows_yet_is_kept(
    es: Elasticsearch, catalogue: str, shop: HybridSearch
) -> None:
    # Another program added the product after the words were learned.
    es.index(index=catalogue, id="new", document={"title": "keybaord"}, refresh=True)
    try:
        found = shop.search("mechancal keybaord")
        assert found.replaced == {"mechancal": "mechanical"}
        assert shop.search("keybaord").hits[0].id == "new"
    finally:
        es.delete(index=catalogue, id="new", refresh=True)


def test_without_a_vocabulary_nothing_is_corrected(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    (index,) = es.indices.get(index=catalogue)
    stored = es.get(index=VOCABULARIES, id=index)["_source"]
    es.delete(index=VOCABULARIES, id=index)
    try:
        shop = HybridSearch(es, index=catalogue, embedder=embedder, settings=catalogue_settings)
        found = shop.search("mechancal keybaord")
        assert (found.corrected, found.degraded) == ("", ())
    finally:
        es.index(index=VOCABULARIES, id=index, document=stored)
