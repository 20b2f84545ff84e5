"""Exclusions on a real index, and the golden file of their clause."""

from __future__ import annotations

import pytest
from elasticsearch import Elasticsearch

from es_hybrid.understanding.exclusion_clause import denial_clause, exclusion_clause
from tests.golden_files import assert_golden

FIELDS = ("title", "category.text")

# Language, excluded words, titles that stay, titles that are dropped.
CASES = (
    ("en", ["stripes"], ["Plain shirt", "Shirt without stripes", "Stripeless shirt"],
     ["Striped cotton shirt", "Blue stripe shirt", "STRIPES"]),
    ("en", ["sugar"], ["Lemonade", "Sugar-free lemonade", "Sugarfree lemonade",
                       "No added sugar drink", "Zero sugar cola"], ["Lemonade with sugar"]),
    ("en", ["sleeves"], ["Sleeveless dress"], ["Long-sleeve dress", "Dress with long sleeves"]),
    ("en", ["gluten"], ["Gluten-free bread", "Chips with glutamate"], ["Bread with gluten"]),
    ("en", ["palm oil"], ["Palm oil free cream", "Palm print", "Olive oil"],
     ["Cream with palm oil"]),
    ("en", ["zip"], ["Hoodie", "Zipless hoodie"], ["Hoodie with zip"]),
    ("de", ["Streifen"], ["Hemd", "Hemd ohne Streifen"], ["Gestreiftes Hemd", "Hemd mit Streifen"]),
    ("de", ["Zucker"], ["Zuckerfreie Limonade", "Limonade ohne Zucker"], ["Limonade mit Zucker"]),
    ("de", ["Kragen", "Knöpfe"], ["Kragenloses Hemd"], ["Hemd mit Kragen", "Hemd Knopfleiste"]),
    ("fr", ["rayures"], ["Chemise sans rayures", "Chemise"],
     ["Chemise rayée", "Chemise à rayures"]),
    ("fr", ["sucre"], ["Boisson sans sucre"], ["Boisson sucrée"]),
    ("es", ["mangas"], ["Camiseta sin mangas"], ["Camiseta manga larga"]),
    ("es", ["azúcar"], ["Bebida sin azúcar"], ["Bebida azucarada", "Bebida con azúcar"]),
    ("it", ["righe"], ["Camicia"], ["Camicia rigata", "Camicia a righe"]),
    ("nl", ["suiker"], ["Suikervrije drank"], ["Drank met suiker"]),
    ("zh", ["糖"], ["可乐", "无糖可乐", "可乐 不含糖"], ["含糖可乐"]),
    ("ja", ["ストライプ"], ["無地シャツ", "ストライプなし シャツ"], ["ストライプシャツ"]),
    ("ja", ["砂糖"], ["砂糖不使用チョコ"], ["砂糖入りチョコ"]),
    ("ja", ["シュガー"], ["シュガーフリー飲料"], ["シュガー飲料"]),
    ("ko", ["설탕"], ["설탕 없는 음료"], ["설탕 음료"]),
    ("", ["striped"], ["Plain shirt", "Shirt without stripes"], ["Striped shirt"]),
)  # fmt: skip


def test_the_clause() -> None:
    assert_golden(
        "exclusion_clause", exclusion_clause(["palm oil", "糖"], language="en", fields=FIELDS)
    )


@pytest.mark.parametrize(("language", "words", "kept", "dropped"), CASES)
def test_titles_that_name_the_thing_are_dropped_unless_they_deny_it(
    es: Elasticsearch,
    index_name: str,
    language: str,
    words: list[str],
    kept: list[str],
    dropped: list[str],
) -> None:
    _fill(es, index_name, [*kept, *dropped])
    clause = exclusion_clause(words, language=language, fields=FIELDS)
    assert _titles(es, index_name, {"bool": {"filter": [clause]}}) == sorted(kept)


def test_a_category_names_the_thing_as_well(es: Elasticsearch, index_name: str) -> None:
    _fill(es, index_name, ["Oxford"], category="Striped shirts")
    clause = exclusion_clause(["stripes"], language="en", fields=FIELDS)
    assert _titles(es, index_name, clause) == []


def test_products_that_say_so_are_found(es: Elasticsearch, index_name: str) -> None:
    _fill(
        es, index_name, ["Lemonade", "Lemonade with sugar", "Sugar-free tea", "Tea without sugar"]
    )
    clause = denial_clause(["sugar"], language="en", fields=FIELDS)
    assert _titles(es, index_name, clause) == ["Sugar-free tea", "Tea without sugar"]


def _fill(es: Elasticsearch, index: str, titles: list[str], category: str = "Things") -> None:
    word = {"type": "text"}
    mapping = {"title": word, "category": {"type": "keyword", "fields": {"text": word}}}
    es.options(ignore_status=404).indices.delete(index=index)
    es.indices.create(index=index, mappings={"properties": mapping})
    for title in titles:
        es.index(index=index, document={"title": title, "category": category})
    es.indices.refresh(index=index)


def _titles(es: Elasticsearch, index: str, query: dict[str, object]) -> list[str]:
    hits = es.search(index=index, query=query, size=100)["hits"]["hits"]
    return sorted(hit["_source"]["title"] for hit in hits)
