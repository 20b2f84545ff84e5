"""Brands and categories by their names."""

from __future__ import annotations

import pytest

from es_hybrid.understanding.named_values import name_words, named_values

VALUES = {
    "brand": {"HP": 3, "Hp": 1, "Étoile du Nord": 2, "小米": 5, "…": 1},
    "category": {"Audio": 9, "Audio > Over-Ear Headphones": 4, "影音 > 无线蓝牙耳机": 2},
    "attributes.colour": {"hpcolour": 7},
}


@pytest.mark.parametrize(
    ("start", "spellings"),
    [
        ("hp", [("HP", "Hp")]),
        ("no", [("Étoile du Nord",)]),
        ("et", [("Étoile du Nord",)]),
        ("小", [("小米",)]),
        ("headp", [("Audio > Over-Ear Headphones",)]),
        ("audi", [("Audio",)]),
        ("耳机", [("影音 > 无线蓝牙耳机",)]),
        ("无线", [("影音 > 无线蓝牙耳机",)]),
        ("影", []),
        ("ones", []),
    ],
)
def test_a_value_is_found_by_each_word_of_its_name(
    start: str, spellings: list[tuple[str, ...]]
) -> None:
    found = named_values(VALUES).starting_with(start)
    assert [value.spellings for value in found] == spellings


def test_spellings_of_one_name_are_one_value() -> None:
    (value,) = named_values(VALUES).starting_with("hp")
    assert (value.field, value.name, value.products) == ("brand", "hp", 4)


def test_complete_words() -> None:
    (headphones,) = named_values(VALUES).starting_with("headphones")
    assert headphones.has_word("over")
    assert not headphones.has_word("ove")
    (earphones,) = named_values(VALUES).starting_with("蓝牙")
    assert earphones.has_word("耳机")
    assert not earphones.has_word("鼠标")


def test_words_of_scripts_with_and_without_spaces() -> None:
    assert name_words("Wi-Fi无线耳机, Größe 4") == ["wi", "fi", "无线耳机", "große", "4"]
