from __future__ import annotations

import base64
import zlib

import pytest

from es_hybrid.records import Product
from es_hybrid.understanding.vocabulary import (
    Vocabulary,
    folded,
    packed,
    unpacked,
    vocabulary_of,
    words_of,
    written_out,
)

MUG = Product(
    id="1", title="Enamel mug, enamel", brand="Ñandú", description="A mug for the SUV2000.",
    category=("Kitchen", "Mugs"), other_categories=(("Camping",),), lang="en-GB", currency="EUR",
    attributes={"colour": "sky blue", "fits": ("hob", "oven")},
)  # fmt: skip
CUP = Product(id="2", title="搪瓷杯 cup", lang="zh-CN", currency="CNY")


def test_words_are_runs_of_letters_and_names_with_a_number() -> None:
    text = "Men's T-shirt iPhone15 KX4820B 500ml über 无线 5032227441125 spnix3.3 usb3."
    assert [word[0] for word in words_of(text)] == [
        "Men", "s", "T", "shirt", "iPhone15", "über", "usb3",
    ]  # fmt: skip


def test_a_name_ends_where_chinese_begins() -> None:
    assert [word[0] for word in words_of("苹果iPhone15手机壳 适用于Galaxy手机")] == [
        "iPhone15",
        "Galaxy",
    ]


def test_words_are_found_by_their_end() -> None:
    shop = Vocabulary({"wollmütze": 1, "mütze": 2, "mützen": 1, "wolle": 1})
    assert sorted(shop.ending_with("muetze")) == ["mütze", "wollmütze"]
    assert shop.ending_with("xyz") == []


def test_a_product_counts_once_for_each_of_its_words() -> None:
    found = vocabulary_of([MUG, CUP])
    assert found.counts["mug"] == found.counts["enamel"] == found.counts["cup"] == 1
    assert {"ñandú", "kitchen", "mugs", "camping", "sky", "blue", "hob", "oven", "suv2000"} <= set(
        found.counts
    )
    assert "搪瓷杯" not in found
    assert found.documents == 2
    assert found.languages == {"en", "zh"}
    assert found.currencies == {"EUR", "CNY"}


def test_hyphenated_words_are_known_as_one_word_too() -> None:
    found = vocabulary_of([Product(id="1", title="T-Shirt, Wi-Fi, USB-C, KX-4820 and a-b-c-d")])
    assert {word for word in found.counts if "-" in word} == {"t-shirt", "wi-fi", "usb-c"}
    assert found.with_hyphens("tshirt") == "t-shirt"
    assert found.with_hyphens("shirt") is None
    assert unpacked(packed(found)) == found


def test_the_most_used_words_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.understanding.vocabulary._MAX_WORDS", 3)
    tin = Product(id="3", title="tin mug, sky blue")
    found = vocabulary_of([MUG, tin, Product(id="4", title="sky mug")])
    assert found.counts == {"mug": 3, "sky": 3, "blue": 2}


def test_a_language_of_few_products_is_none_of_the_shop() -> None:
    found = vocabulary_of([MUG] * 199 + [CUP])
    assert found.languages == {"en"}


@pytest.mark.parametrize(
    ("word", "plain", "long"),
    [
        ("Mütze", "mutze", "muetze"),
        ("Straße", "strasse", "strasse"),
        ("Ørsted", "orsted", "oersted"),
        ("ÉTÉ", "ete", "ete"),
        ("œuvre", "oeuvre", "oeuvre"),
        ("Åre", "are", "aare"),
        ("mug", "mug", "mug"),
    ],
)
def test_accents_can_be_left_out_or_written_out(word: str, plain: str, long: str) -> None:
    assert folded(word) == plain
    assert written_out(word) == long


@pytest.mark.parametrize("query", ["mutze", "muetze", "MÜTZE", "Mütze"])
def test_all_spellings_lead_to_the_catalogues(query: str) -> None:
    assert Vocabulary({"mütze": 3}).spelt_otherwise(query) == "mütze"
    assert Vocabulary({"muetze": 3}).spelt_otherwise("mütze") == "muetze"
    assert Vocabulary({"muetze": 3, "mütze": 9}).spelt_otherwise("mutze") == "mütze"


def test_a_stored_vocabulary_is_read_back_once() -> None:
    found = vocabulary_of([MUG, CUP])
    assert unpacked(packed(found)) == found
    assert unpacked(packed(found)) is unpacked(packed(found))


def test_the_values_of_products_are_stored_with_the_words() -> None:
    values = unpacked(packed(vocabulary_of([MUG, MUG, CUP]))).values
    assert values == {
        "attributes.colour": {"sky blue": 2},
        "brand": {"Ñandú": 2},
        "category": {"Camping": 2, "Kitchen": 2, "Kitchen > Mugs": 2},
    }


def test_a_vocabulary_stored_without_values_is_read() -> None:
    stored = packed(vocabulary_of([MUG]))
    del stored["values"]
    assert unpacked(stored).values == {}
    assert "mug" in unpacked(stored)


def test_a_document_that_expands_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.understanding.vocabulary._MAX_BYTES", 50)
    bomb = base64.b64encode(zlib.compress(b"ab 1\ncd 1\n" * 1000)).decode()
    document = {"words": bomb, "documents": 1, "languages": [], "currencies": []}
    assert unpacked(document).counts == {"ab": 1, "cd": 1}


def test_two_vocabularies_are_one() -> None:
    acme = {"brand": {"Acme": 1}}
    one = Vocabulary({"mug": 1}, 5, frozenset(["en"]), values=acme)
    both = one | Vocabulary({"mug": 2, "cup": 1}, 7)
    assert both == Vocabulary({"mug": 3, "cup": 1}, 12, frozenset(["en"]), values=acme)
