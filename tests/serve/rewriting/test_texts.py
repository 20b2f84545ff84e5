"""What a shopper typed, from the texts that shops make of it."""

from __future__ import annotations

import pytest

from es_hybrid.serve.rewriting.paths import TypedText
from es_hybrid.serve.rewriting.texts import chosen, typed_text


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("multi_match", "red kettle", "red kettle"),
        ("multi_match", "  red \t kettle ", "red kettle"),
        ("match", '"red kettle"', "red kettle"),
        ("match", '3/4" pipe', '3/4" pipe'),
        ("match", "t-shirt (blue) 2:1", "t-shirt (blue) 2:1"),
        ("query_string", "*kettle*", "kettle"),
        ("query_string", "*", ""),
        ("query_string", "*:*", ""),
        ("query_string", "red~ kettle~2", "red kettle"),
        ("query_string", "title:kettle^3", "kettle"),
        ("query_string", "name.de:(rot AND kessel)", "rot kessel"),
        ("query_string", '"red kettle"~3', "red kettle"),
        ("query_string", "+red +kettle", "red kettle"),
        ("query_string", "kettle -steel", "kettle"),
        ("query_string", 'kettle NOT "stainless steel" red', "kettle red"),
        ("query_string", r"3\/4 pipe \(new\)", "3/4 pipe (new)"),
        ("query_string", r"*t\-shirt*", "t-shirt"),
        ("query_string", "wi-fi router", "wi-fi router"),
        ("query_string", "*红色* 水壶~", "红色 水壶"),
        ("simple_query_string", "red + kettle | pot", "red kettle pot"),
        ("wildcard", "*red kettle*", "red kettle"),
        ("prefix", "kett", "kett"),
        ("regexp", ".*kettle.*", "kettle"),
    ],
)
def test_the_syntax_of_the_shop_is_removed(kind: str, text: str, expected: str) -> None:
    assert typed_text(TypedText(kind, text)) == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([], ""),
        (["", "red"], "red"),
        (["red kettle", "red kettle"], "red kettle"),
        # Word by word, then whole.
        (["red", "kettle", "Red kettle"], "Red kettle"),
        # Synonyms follow the shopper's own words.
        (["tv", "television"], "tv"),
        (["red kettle", "kettle"], "red kettle"),
        (["art", "party hats"], "art"),
    ],
)
def test_one_text_is_chosen(texts: list[str], expected: str) -> None:
    assert chosen(texts) == expected
