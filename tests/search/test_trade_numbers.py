"""Searches for trade numbers on the live node: in other forms, and in indices of all kinds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.errors import EsHybridError
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings, load_settings
from training.data import load_products

INDEX = "test-trade-numbers"
ROWS: list[dict[str, Any]] = [
    {"id": "dots", "title": "Dog lead, 2 m", "sku": "NOR.0707-60"},
    {"id": "dots-61", "title": "Dog lead, 3 m", "sku": "NOR.0707-61"},
    {"id": "long", "title": "Night light", "sku": "170000D000237"},
    {"id": "dash", "title": "Router black", "sku": "KX\u20114820"},
    {"id": "joined", "title": "Router white", "sku": "KX48-20"},
    {"id": "book", "title": "A novel", "sku": "B-1", "gtin": "316148410X"},
    {"id": "upc", "title": "Oil spray", "sku": "B-2", "gtin": "036000291452"},
    {"id": "ean", "title": "Bicycle pump", "sku": "B-3", "gtin": "4006381333931"},
    {"id": "oem", "title": "Fuser", "sku": "B-4", "attributes": {"oem": "C9351AE"}},
    {"id": "ups", "title": "Power supply", "sku": "SURT10000XLI"},
    *({"id": f"surf{n}", "title": f"Surf board {n}", "sku": f"B-{n}"} for n in range(10, 16)),
    {"id": "mens", "title": "Men’s socks – 3 pairs", "sku": "B-5"},
    *({"id": f"m{n}", "title": f"Ceramic mug {n} 4820 ml", "sku": f"MG-{n}"} for n in range(40)),
]


@pytest.fixture(scope="module")
def settings(
    es: Elasticsearch, catalogue_settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Settings]:
    file = tmp_path_factory.mktemp("numbers") / "products.jsonl"
    file.write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    settings = _with(catalogue_settings, index={"name": INDEX})
    load_products(settings, file)
    yield settings
    for version in es.indices.get(index=INDEX):
        es.indices.delete(index=version)


@pytest.fixture
def numbers(es: Elasticsearch, embedder: LocalEmbedder, settings: Settings) -> HybridSearch:
    return HybridSearch(es, index=INDEX, embedder=embedder, settings=settings)


def _with(settings: Settings, **sections: Any) -> Settings:
    flags: dict[str, Any] = {
        "elasticsearch": {"url": settings.elasticsearch.url},
        "index": {"name": INDEX},
        "rerank": {"enabled": False},
    }
    return load_settings(flags={**flags, **sections})


def _ids(shop: HybridSearch, text: str, **options: Any) -> list[str]:
    return [hit.id for hit in shop.search(text, **options).hits]


@pytest.mark.parametrize(
    ("text", "id_"),
    [
        *((text, "dots") for text in ("NOR.0707-60", "nor070760", "NOR 0707 60", "nor-0707.60",
                                      "Art.-Nr. NOR.0707-60", "NOR\u20130707\u201360")),
        *((text, "long") for text in ("170000d000237", "D000237", "170000D", "170000-D-000237",
                                      "型号170000D000237")),
        *((text, "dash") for text in ("KX-4820", "KX\u20114820", "KX\u20104820", "ＫＸ－４８２０")),
        *((text, "book") for text in ("ISBN 3-16-148410-X", "9783161484100", "316148410X")),
        *((text, "upc") for text in ("UPC 036000291452", "0036000291452", "36000291452",
                                     "0 36000 29145 2")),
        *((text, "ean") for text in ("4006381333931", "04006381333931", "EAN-13: 4006381333931",
                                     "\u200b4006381 333931", "条码4006381333931", "381333931")),
        ("men's socks", "mens"), ("MEN´S SOCKS", "mens"),
    ],
)  # fmt: skip
def test_the_product_is_first(numbers: HybridSearch, text: str, id_: str) -> None:
    assert _ids(numbers, text)[0] == id_
    assert _ids(numbers, text, mode="bm25")[0] == id_


def test_the_same_number_comes_before_one_with_other_separators(numbers: HybridSearch) -> None:
    assert _ids(numbers, "KX48-20")[:2] == ["joined", "dash"]
    assert _ids(numbers, "KX-4820")[:2] == ["dash", "joined"]
    assert set(_ids(numbers, "kx4820")[:2]) == {"dash", "joined"}


def test_a_part_of_a_number_finds_all_that_have_it(numbers: HybridSearch) -> None:
    assert set(_ids(numbers, "NOR0707", mode="bm25")) == {"dots", "dots-61"}


def test_a_part_of_a_number_is_found_although_its_letters_look_misspelt(
    numbers: HybridSearch,
) -> None:
    response = numbers.search("SURT10", mode="bm25")
    assert response.corrected == "surf 10"
    assert [hit.id for hit in response.hits][:2] == ["ups", "surf10"]


def test_a_quantity_is_searched_as_words(numbers: HybridSearch) -> None:
    assert _ids(numbers, "4820 ml")[0].startswith("m")


def test_a_sku_is_stored_with_the_keyboard_s_hyphen(es: Elasticsearch, settings: Settings) -> None:
    found = es.get(index=INDEX, id="dash", source_includes=["sku"])
    assert found["_source"]["sku"] == "KX-4820"
    title = es.get(index=INDEX, id="mens", source_includes=["title"])["_source"]["title"]
    assert title == "Men's socks – 3 pairs"


def test_facets_highlights_and_groups_work_with_numbers(numbers: HybridSearch) -> None:
    for text in ("D000237", "Ref. NOR070760", "4006381333931"):
        response = numbers.search(
            text, facets=["sku", "brand"], highlight=["title", "sku"], collapse="sku", explain=True
        )
        assert response.hits
        assert response.facets["sku"]
        assert numbers.search(text, highlight=["sku", "gtin"]).hits[0].highlight


def test_a_field_that_is_no_keyword_is_searched_for_whole_numbers(
    es: Elasticsearch, embedder: LocalEmbedder, settings: Settings
) -> None:
    """Elasticsearch refuses regular expressions on a member of a `flattened` field."""
    fields = _with(settings, search={"identifier_fields": ["sku", "attributes.oem"]})
    shop = HybridSearch(es, index=INDEX, embedder=embedder, settings=fields)
    assert _ids(shop, "c9351ae")[0] == "oem"
    assert _ids(shop, "Ref. C9351AE")[0] == "oem"
    assert _ids(shop, "nor.0707-60")[0] == "dots"


def test_a_cluster_without_expensive_queries_finds_whole_numbers(
    es: Elasticsearch, numbers: HybridSearch
) -> None:
    es.cluster.put_settings(persistent={"search.allow_expensive_queries": False})
    try:
        for _ in range(2):
            assert _ids(numbers, "EAN 04006381333931", mode="bm25")[0] == "ean"
            assert _ids(numbers, "nor.0707-60", mode="bm25")[0] == "dots"
    finally:
        es.cluster.put_settings(persistent={"search.allow_expensive_queries": None})


def test_a_wrong_request_is_refused_with_its_own_reason(numbers: HybridSearch) -> None:
    for _ in range(2):
        with pytest.raises(EsHybridError, match="nonsense"):
            numbers.search("NOR.0707-60", sort=["nonsense"])
    assert _ids(numbers, "nor070760")[0] == "dots"
