"""The search for products: golden files."""

from __future__ import annotations

from typing import Any

from es_hybrid.index.passport import Passport
from es_hybrid.index.shop_fields import shop_fields
from es_hybrid.suggesting.query import products_body
from tests.golden_files import assert_golden


def _body(*readings: str, patterns: bool = True, **passport: Any) -> dict[str, Any]:
    made = Passport(
        vector_field="embedding", model="m", revision="1", dims=8, similarity="cosine",
        query_instruction="", text_template=("title",), text_max_chars=100, **passport,
    )  # fmt: skip
    return products_body(readings, made, size=16, minimum_should_match="2<75%", patterns=patterns)


def test_complete_words_and_the_beginning_of_one() -> None:
    assert_golden("suggest_products", _body("wireless mou", languages=("en",)))


def test_other_readings_count_less() -> None:
    assert_golden("suggest_products_misspelt", _body("samsng", "samsun"))


def test_letters_of_a_script_without_spaces_stay_together() -> None:
    assert_golden("suggest_products_unspaced", _body("小米 无线耳"))


def test_without_patterns() -> None:
    assert_golden("suggest_products_without_patterns", _body("red mou", patterns=False))


def test_a_shop_s_own_fields() -> None:
    properties = {
        "name": {"properties": {"en": {"type": "text", "analyzer": "english"}}},
        "marke": {"type": "text", "fields": {"raw": {"type": "keyword"}}},
    }
    fields = shop_fields(properties, {"title": "name.en", "brand": "marke"})
    assert_golden("suggest_products_shop", _body("mou", shop=fields))
