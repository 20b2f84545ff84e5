"""Differences of two products."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from es_hybrid.page.differences import Piece, ProductField, fields_of


def _marked(pieces: Sequence[Piece]) -> list[str]:
    return [piece.text for piece in pieces if piece.own]


def _field(name: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> ProductField:
    return next(field for field in fields_of(left, right) if field.name == name)


def test_within_a_language_words_of_one_product_are_marked() -> None:
    field = _field(
        "title",
        {"title": "Kettle, 1.7 L, red", "lang": "en"},
        {"title": "Kettle, 1.5 L, blue", "lang": "en"},
    )
    assert (_marked(field.left), _marked(field.right)) == (["1.7", "red"], ["1.5", "blue"])
    assert "".join(piece.text for piece in field.left) == "Kettle, 1.7 L, red"


def test_between_languages_only_words_with_a_digit_are_marked() -> None:
    field = _field(
        "title",
        {"title": "电热水壶 1.7升 KX-48", "lang": "zh"},
        {"title": "Bouilloire 1,5 l KX-48", "lang": "fr"},
    )
    assert (_marked(field.left), _marked(field.right)) == (["1.7"], ["1,5"])


def test_a_number_may_be_in_any_field_of_the_other_product() -> None:
    left = {"title": "Wasserkocher 1,7 l", "lang": "de"}
    right = {"title": "Kettle", "attributes": {"capacity": "1.7 l"}, "lang": "en"}
    assert _marked(_field("title", left, right).left) == []


def test_equal_fields_are_the_same_whatever_their_case() -> None:
    field = _field("brand", {"brand": "NIKE"}, {"brand": "Nike"})
    assert field.same
    assert _marked(field.left) == []


def test_fields_have_a_fixed_order() -> None:
    names = [
        field.name
        for field in fields_of(
            {"id": "1", "colour": "red", "brand": "a", "title": "x"}, {"gtin": ["1"], "group": "g"}
        )
    ]
    assert names == ["title", "brand", "gtin", "colour"]
    assert not _field("gtin", {}, {"gtin": ["1"]}).same
