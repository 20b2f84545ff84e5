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


def test_a_price_in_the_query_is_a_filter_that_can_be_removed(shop: HybridSearch) -> None:
    found = shop.search("keyboard under 50 dollars", size=50, facets=["currency"])
    condition, category = found.understood
    assert condition.text == "under 50 dollars"
    assert (category.kind, category.effect) == ("category", "boost")
    assert all(hit.source["price"] < 50 for hit in found.hits)
    assert set(found.facets["currency"]) == {"USD"}
    assert [hit.id for hit in found.hits] == [
        hit.id
        for hit in shop.search(
            "keyboard", size=50, filters={"price": {"lt": 50}, "currency": "USD"}
        ).hits
    ]
    plain = shop.search("keyboard under 50 dollars", ignore=[condition.text], size=50)
    assert condition.text not in [each.text for each in plain.understood]
    assert any(hit.source.get("price", 0) > 50 for hit in plain.hits)
    assert shop.search("keyboard under 50 dollars", conditions=False).understood == ()


def test_an_exclusion_holds_for_both_legs(shop: HybridSearch) -> None:
    puzzles = [hit.id for hit in shop.search("puzzle for kids", size=50).hits
               if "wooden" in hit.source["title"].lower()]  # fmt: skip
    found = shop.search("puzzle for kids without wood", size=50)
    assert puzzles
    assert [condition.excluded for condition in found.understood] == [("wood",)]
    assert found.hits
    assert not set(puzzles) & {hit.id for hit in found.hits}
    with_word = shop.search("puzzle for kids without wood", ignore=["without wood"], size=50)
    assert set(puzzles) & {hit.id for hit in with_word.hits}


def test_a_misspelt_word_next_to_a_condition(shop: HybridSearch) -> None:
    found = shop.search("keybaord under 50 dollars")
    assert found.corrected == "keyboard"
    assert [condition.kind for condition in found.understood] == ["price", "category"]


def test_a_trade_number_is_not_misspelt(shop: HybridSearch) -> None:
    # `mug` is a word of the catalogue.
    assert shop.search("SKU MUGG-4820").corrected == ""
    assert shop.search("MUGG4820B").corrected == ""


def test_products_of_a_size_precede_others(shop: HybridSearch) -> None:
    found = shop.search("Laufschuhe Größe 42", size=50)
    assert [(each.kind, each.text, each.effect) for each in found.understood] == [
        ("size", "Größe 42", "boost"),
    ]  # fmt: skip
    assert found.hits[0].source["attributes"]["size"] == "42"
    plain = shop.search("Laufschuhe Größe 42", ignore=["größe 42"], size=50)
    assert plain.understood == ()
    assert len(plain.hits) == len(found.hits)


def test_a_brand_in_a_misspelt_query_ranks_its_products_higher(shop: HybridSearch) -> None:
    found = shop.search("Sonraque headphones", size=50)
    assert found.corrected == "sonarque headphones"
    assert [(each.kind, each.text, each.effect) for each in found.understood] == [
        ("brand", "sonarque", "boost"), ("category", "headphones", "boost"),
    ]  # fmt: skip


def test_values_are_understood_without_spelling(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    search = catalogue_settings.search.model_copy(update={"spelling": False})
    off = catalogue_settings.model_copy(update={"search": search})
    shop = HybridSearch(es, index=catalogue, embedder=embedder, settings=off)
    assert [each.text for each in shop.search("耐克跑鞋").understood] == ["耐克"]
    assert shop.search("耐克跑鞋", conditions=False).understood == ()


def test_a_colour_in_any_language_decides_which_neighbours_count(shop: HybridSearch) -> None:
    plain = shop.search("czajnik elektryczny czarny", size=100, conditions=False)
    black = shop.search("czajnik elektryczny czarny", size=100)
    (colour,) = black.understood
    assert (colour.kind, colour.text, colour.effect) == ("colour", "czarny", "boost")
    assert {"Black", "黑色", "Noir"} <= set(colour.values["attributes.colour"])
    colours = [
        {hit.source.get("attributes", {}).get("colour") for hit in found.hits}
        for found in (plain, black)
    ]
    wanted = {*colour.values["attributes.colour"], None}
    assert colours[1] <= wanted
    assert not colours[0] <= wanted
