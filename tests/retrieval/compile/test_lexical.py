"""The shop's BM25 query: golden files; a shopper's text never becomes syntax."""

from __future__ import annotations

from typing import Any

from es_hybrid.retrieval.compile.lexical import field_groups, lexical_query
from tests.golden_files import assert_golden

FIELDS = ("title^2", "brand.text", "description")


def _query(text: str = "red kettles", languages: tuple[str, ...] = (), **options: Any) -> Any:
    given = {
        "field_groups": field_groups(FIELDS, languages),
        "identifier_fields": ("sku", "gtin"),
        "minimum_should_match": "2<75%",
        **options,
    }
    return lexical_query(text, **given)


def test_the_words_and_the_identifier() -> None:
    assert_golden("lexical_query", _query())


def test_the_best_analyzer_of_several_counts() -> None:
    query = _query(languages=("en",), identifier_fields=())
    assert_golden("lexical_query_two_analyzers", query)


def test_phrases_and_other_spellings_are_asked_for_beside_the_words() -> None:
    query = _query(languages=("en",), phrase_boost=0.5, fuzziness="AUTO")
    assert_golden("lexical_query_phrase_fuzzy", query)


def test_language_subfields_form_groups_with_the_boosts_of_their_fields() -> None:
    assert field_groups(FIELDS, ["en", "cjk"]) == [
        ["title^2", "brand.text", "description"],
        ["title.en^2", "brand.en", "description.en"],
        ["title.cjk^2", "brand.cjk", "description.cjk"],
    ]
