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


def _clauses(query: dict[str, Any]) -> int:
    """Words x fields, as Elasticsearch counts them."""
    (found,) = query["bool"]["should"]
    parts = found.get("bool", {"must": [found], "should": []})
    (words,) = parts["must"]
    each = [body for clause in words.get("dis_max", {}).get("queries", [words]) + parts["should"]
            for body in clause.values()]  # fmt: skip
    spaced = " ".join if any("好" in body["query"] for body in each) else str
    return sum(len(spaced(body["query"]).split()) * len(body["fields"]) for body in each)


@pytest.mark.parametrize("word", ["kettle ", "好"])
def test_a_long_query_loses_forms_then_its_phrase_then_words(word: str) -> None:
    def asked(count: int) -> Any:
        return _query(
            word * count,
            languages=("cjk", "en", "de", "fr"),
            identifier_fields=(),
            phrase_boost=0.25,
            forms=["a form"] * 3,
        )

    assert str(asked(10)).count("a form") == 3 * 5
    assert str(asked(60)).count("a form") == 0
    assert "phrase" in str(asked(60))
    assert "phrase" not in str(asked(100))
    assert _clauses(asked(10)) < _clauses(asked(100)) == 1500
    assert _clauses(asked(1000)) == 166 * 15 <= 2500


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
