from __future__ import annotations

import pytest

from es_hybrid.understanding.forms import may_have_forms, query_forms
from es_hybrid.understanding.vocabulary import Vocabulary

GERMAN = frozenset(["de"])
SHOP = Vocabulary(
    {
        "wollmütze": 9, "skimütze": 4, "terrassenschrauben": 20, "holzschraube": 5,
        "terrassen": 8, "schrauben": 40, "schraube": 12, "kinder": 30, "wagen": 20,
        "kinderwagen": 25, "spring": 3, "küche": 6, "tisch": 9, "arbeit": 5, "arbeitstisch": 2,
    },
    languages=GERMAN,
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "forms"),
    [
        ("Muetze Kinder", {"wollmütze Kinder", "skimütze Kinder"}),
        ("Mütze", {"wollmütze", "skimütze"}),
        ("Schraube", {"holzschraube", "terrassenschrauben"}),
        ("schrauben", {"holzschraube", "terrassenschrauben"}),
        ("Terrassenschrauben 5 mm", {"terrassen schrauben 5 mm"}),
        ("Kinderwagen", {"kinder wagen"}),
        ("Arbeitstisch", {"arbeit tisch"}),
    ],
)
def test_compounds_and_their_parts(query: str, forms: set[str]) -> None:
    assert set(query_forms(query, SHOP)) == forms


@pytest.mark.parametrize("query", ["ring", "Laptop", "Kinder", "无线耳机", ""])
def test_short_words_and_others_have_none(query: str) -> None:
    assert query_forms(query, SHOP) == ()


def test_the_most_used_compounds_of_many() -> None:
    counts = {f"{letter * 3}schraube": number for number, letter in enumerate("abcdefgh", 1)}
    found = query_forms("Schraube", Vocabulary(counts, languages=GERMAN))
    assert found == ("hhhschraube", "gggschraube", "fffschraube", "eeeschraube")
    many = query_forms("Schraube " * 5, Vocabulary(counts, languages=GERMAN))
    assert len(many) == 6


def test_english_words_in_a_german_catalogue_have_none() -> None:
    counts = {"headphone": 9, "smartphone": 9, "phone": 9, "water": 9, "proof": 9}
    shop = Vocabulary(counts, languages=frozenset(["de", "en"]))
    assert query_forms("waterproof phone", shop) == ()


def test_other_languages_write_them_apart() -> None:
    assert query_forms("Mütze", Vocabulary(SHOP.counts, languages=frozenset(["en"]))) == ()


@pytest.mark.parametrize(
    ("query", "forms"),
    [
        ("wireless headphone", ("wireless headphones",)),
        ("Laptops", ("laptop",)),
        ("laptop headphones", ()),
        # Of two forms the one in more products.
        ("boxe", ("boxes",)),
        # Too common for a name, and too short.
        ("there headphones", ()),
        ("cas", ()),
    ],
)
def test_the_other_number(query: str, forms: tuple[str, ...]) -> None:
    counts = {"wireless": 9, "headphones": 9, "laptop": 9, "theres": 1, "boxes": 3, "case": 9}
    assert query_forms(query, Vocabulary(counts, languages=frozenset(["en"]))) == forms


def test_a_look_is_needed_for_unknown_words_and_compounds() -> None:
    english = Vocabulary({"mug": 1}, languages=frozenset(["en"]))
    assert may_have_forms("mugs", english)
    assert not may_have_forms("Mug 无线", english)
    assert may_have_forms("schraube", SHOP)
    assert not may_have_forms("mugs", Vocabulary({}))
