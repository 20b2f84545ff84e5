"""The shop's BM25 query: golden files; a shopper's text never becomes syntax."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.retrieval.compile.lexical import asks_for_patterns, field_groups, lexical_query
from tests.golden_files import assert_golden

FIELDS = ("title^2", "brand.text", "description")


def _query(text: str = "red kettles", languages: tuple[str, ...] = (), **options: Any) -> Any:
    given = {
        "field_groups": field_groups(FIELDS, languages),
        "identifier_fields": ("sku", "gtin"),
        "gtin_fields": ("gtin",),
        "minimum_should_match": "2<75%",
        **options,
    }
    return lexical_query(text, **given)


def test_the_words_and_the_identifier() -> None:
    assert_golden("lexical_query", _query())


def test_the_best_analyzer_of_several_counts() -> None:
    query = _query(languages=("en",), identifier_fields=())
    assert_golden("lexical_query_two_analyzers", query)


def test_a_trade_number_is_asked_for_in_its_other_forms() -> None:
    assert_golden("lexical_query_sku", _query("Art.-Nr. NOR.0707-60"))


def test_a_gtin_is_asked_for_with_all_its_zeros() -> None:
    assert_golden("lexical_query_gtin", _query("EAN 036000291452"))


def test_without_patterns_only_whole_numbers_are_asked_for() -> None:
    assert_golden("lexical_query_sku_whole", _query("SKU NOR.0707-60", patterns=False))


def test_a_number_is_not_asked_for_without_fields_of_numbers() -> None:
    query = _query("NOR.0707-60", identifier_fields=())
    assert [next(iter(clause)) for clause in query["bool"]["should"]] == ["combined_fields"]


@pytest.mark.parametrize(
    ("text", "patterns"), [("KX-4820B", True), ("4006381333931", True), ("iphone 15", False)]
)
def test_only_numbers_need_patterns(text: str, patterns: bool) -> None:
    assert asks_for_patterns(text) is patterns
    assert ("regexp" in str(_query(text))) is patterns


def test_phrases_are_asked_for_beside_the_words() -> None:
    query = _query(languages=("en",), phrase_boost=0.5)
    assert_golden("lexical_query_phrase", query)


def test_language_subfields_form_groups_with_the_boosts_of_their_fields() -> None:
    assert field_groups(FIELDS, ["en", "cjk"]) == [
        ["title^2", "brand.text", "description"],
        ["title.en^2", "brand.en", "description.en"],
        ["title.cjk^2", "brand.cjk", "description.cjk"],
    ]
