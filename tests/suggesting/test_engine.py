"""Suggestions from the sample catalogue."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import InvalidRequest
from es_hybrid.index.plan import apply_plan, plan_index
from es_hybrid.search import AsyncHybridSearch, HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.suggesting.suggestion import Suggestion
from es_hybrid.understanding.store import VOCABULARIES, learn_vocabularies


@pytest.fixture(scope="module")
def shop(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> Iterator[HybridSearch]:
    with HybridSearch(
        es, index=catalogue, embedder=embedder, settings=catalogue_settings
    ) as opened:
        yield opened


def _kinds(found: list[Suggestion]) -> list[tuple[str, str]]:
    return [(each.kind, each.text) for each in found]


def test_brands_categories_and_products(shop: HybridSearch) -> None:
    found = shop.suggest("ke")
    assert _kinds(found)[:4] == [
        ("brand", "Kessla"),
        ("brand", "Keywren"),
        ("category", "Computers & Accessories > Keyboards"),
        ("category", "Kitchen > Kettles"),
    ]
    assert len(found) == 8
    assert all(each.kind == "product" and each.id for each in found[4:])
    brand = found[0]
    assert brand.highlight == "<em>Ke</em>ssla"
    hits = shop.search("kettle", mode="bm25", filters=brand.filters, size=100)
    everything = shop.search("kessla", filters=brand.filters, size=100)
    assert hits.total
    assert brand.count == everything.total
    assert {hit.source["brand"] for hit in hits.hits} == {"Kessla"}


@pytest.mark.parametrize(
    ("typed", "title"),
    [
        ("electric ket", "Electric Kettle"),
        ("ELECTRIC KETTLE", "Electric Kettle"),
        ("elctric ket", "Electric Kettle"),
        ("bluetooth-kopfh", "Bluetooth-Kopfhörer"),
        ("bluetooth-kopfhoe", "Bluetooth-Kopfhörer"),
        ("kopfhorer mit ger", "Bluetooth-Kopfhörer"),
        ("kx-48", "KX-4820"),
        ("无线充", "无线充电"),
        ("蓝牙耳", "蓝牙耳机"),
        ("儿童 安全座", "儿童"),
    ],
)
def test_a_product_by_what_its_title_has(shop: HybridSearch, typed: str, title: str) -> None:
    products = [each.text for each in shop.suggest(typed) if each.kind == "product"]
    assert products
    assert title in products[0]


def test_letters_of_a_script_without_spaces_stay_together(shop: HybridSearch) -> None:
    found = shop.suggest("耳机", size=20)
    assert found
    assert all("耳机" in each.text for each in found)


def test_titles_that_begin_with_the_letters_come_first(shop: HybridSearch) -> None:
    products = [
        each.text.lower() for each in shop.suggest("wat", size=20) if each.kind == "product"
    ]
    begins = [title.startswith("wat") for title in products]
    assert begins == sorted(begins, reverse=True)
    assert any(begins)


def test_what_the_index_knows_is_never_replaced(
    shop: HybridSearch, es: Elasticsearch, catalogue: str
) -> None:
    es.index(index=catalogue, id="new", document={"title": "Kettel of Riga"}, refresh=True)
    try:
        products = [each.text for each in shop.suggest("kettel") if each.kind == "product"]
    finally:
        es.delete(index=catalogue, id="new", refresh=True)
    assert products[0] == "Kettel of Riga"
    assert "Kettle" in products[1]


def test_without_a_vocabulary_products_are_suggested(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    stored = es.options(ignore_status=404)
    (version,) = es.indices.get(index=catalogue)
    document = es.get(index=VOCABULARIES, id=version)["_source"]
    stored.delete(index=VOCABULARIES, id=version, refresh=True)
    try:
        with HybridSearch(
            es, index=catalogue, embedder=embedder, settings=catalogue_settings
        ) as shop:
            found = shop.suggest("electric ket")
            assert {each.kind for each in found} == {"product"}
            assert shop.suggest("elctric kte") == []
    finally:
        es.index(index=VOCABULARIES, id=version, document=document, refresh=True)


def test_without_spelling_letters_are_taken_as_typed(
    es: Elasticsearch, catalogue: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    settings = catalogue_settings.with_(search={"spelling": False})
    with HybridSearch(es, index=catalogue, embedder=embedder, settings=settings) as shop:
        assert shop.suggest("elctric ket") == []


def test_a_cluster_without_expensive_queries(shop: HybridSearch, es: Elasticsearch) -> None:
    expected = _kinds(shop.suggest("electric ket"))
    es.cluster.put_settings(persistent={"search.allow_expensive_queries": False})
    try:
        for _ in range(2):
            assert _kinds(shop.suggest("electric ket")) == expected
    finally:
        es.cluster.put_settings(persistent={"search.allow_expensive_queries": None})


def test_many_at_once(shop: HybridSearch, catalogue_settings: Settings) -> None:
    typed = ["kess", "electric ket", "elctric ket", ""] * 4

    async def all_at_once() -> list[list[Suggestion]]:
        async with AsyncHybridSearch.open(catalogue_settings) as search:
            return list(await asyncio.gather(*map(search.suggest, typed)))

    expected = [sorted(_kinds(shop.suggest(text))) for text in typed]
    assert [sorted(_kinds(found)) for found in asyncio.run(all_at_once())] == expected


def test_an_index_in_the_shop_s_own_mapping(
    es: Elasticsearch, index_name: str, embedder: LocalEmbedder, catalogue_settings: Settings
) -> None:
    properties = {
        "name": {"type": "text"},
        "marke": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
        "gruppe": {"type": "text"},
    }
    es.indices.create(index=index_name, mappings={"properties": properties})
    for number, brand in enumerate(["Kessla", "KESSLA", "Kwik"]):
        document = {"name": f"Kettle {number}", "marke": brand, "gruppe": "Kettles"}
        es.index(index=index_name, id=f"{number}", document=document, refresh=True)
    settings = catalogue_settings.with_(
        index={"name": index_name},
        ingest={"fields": {"title": "name", "brand": "marke", "category": "gruppe"}},
    )
    apply_plan(es, plan_index(es, settings, embedder))
    learn_vocabularies(es, index_name, vector_field="embedding")
    with HybridSearch(es, index=index_name, embedder=embedder, settings=settings) as shop:
        found = shop.suggest("kes")
        assert [(each.kind, each.count) for each in found] == [("brand", 2)] + [
            ("product", None)
        ] * 2
        assert sorted(found[0].filters["marke.raw"]) == ["KESSLA", "Kessla"]
        assert shop.search("kettle", mode="bm25", filters=found[0].filters).total == 2
        # Without a keyword field, a category cannot be a filter.
        assert {each.kind for each in shop.suggest("kett")} == {"product"}


@pytest.mark.parametrize("text", ["", "  ", "!?", "\u200b"])
def test_nothing_is_suggested_for_nothing(shop: HybridSearch, text: str) -> None:
    assert shop.suggest(text) == []


@pytest.mark.parametrize(("text", "size"), [("a" * 101, 8), ("a", 0), ("a", 21)])
def test_what_is_out_of_range_is_refused(shop: HybridSearch, text: str, size: int) -> None:
    with pytest.raises(InvalidRequest):
        shop.suggest(text, size=size)


@pytest.mark.parametrize("text", ['"', "a*", "a OR b", "a:b", "(", "a\\", "🎧", "-", "a" * 100])
def test_signs_are_only_signs(shop: HybridSearch, text: str) -> None:
    assert len(shop.suggest(text)) <= 8
