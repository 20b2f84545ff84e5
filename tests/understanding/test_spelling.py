from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_hybrid.understanding.spelling import correct, may_be_misspelt
from es_hybrid.understanding.vocabulary import Vocabulary

SHOP = Vocabulary(
    {
        "wireless": 900, "headphones": 700, "headphone": 90, "wire": 80, "less": 60,
        "phones": 100, "head": 40, "iphone": 300, "keyboard": 400, "key": 90, "board": 150,
        "mütze": 12, "wolle": 30, "woll": 4, "kinder": 50, "chaussures": 40, "été": 20,
        "shirt": 500, "skirt": 200, "short": 100, "wooden": 50, "наушники": 70, "usb": 800,
        "cable": 300, "red": 100, "kids": 70, "galaxy": 200, "t-shirt": 60, "wi-fi": 80, "wi": 80,
        "fi": 80,
    },
    documents=1000,
    languages=frozenset(["en", "de", "fr", "ru"]),
)  # fmt: skip


@pytest.mark.parametrize(
    ("query", "searched"),
    [
        ("wireles headphnes", "wireless headphones"),
        ("Wirelss Headphones", "wireless Headphones"),
        ("keybaord", "keyboard"),
        ("iphnoe 15", "iphone 15"),
        ("iphone15", "iphone 15"),
        ("iphnoe15", "iphone 15"),
        ("wire less headphones", "wireless headphones"),
        ("wire-less headphones", "wireless headphones"),
        ("head phones", "headphones"),
        ("usbcable", "usb cable"),
        ("muetze kinder", "mütze kinder"),
        ("Mutze", "mütze"),
        ("wollmütze", "woll mütze"),
        ("chausures", "chaussures"),
        ("науники", "наушники"),
        ("galaxy s21 keybord", "galaxy s21 keyboard"),
        ("galaxys24", "galaxy s24"),
        ("keyboardkx42", "keyboard kx42"),
        ("tshirt", "t-shirt"),
        ("wifi cable", "wi-fi cable"),
        # Of two words with one wrong letter, the more frequent one.
        ("shrit", "shirt"),
    ],
)
def test_a_word_that_the_catalogue_lacks_becomes_one_that_it_has(query: str, searched: str) -> None:
    assert may_be_misspelt(query, SHOP)
    correction = correct(query, SHOP)
    assert correction is not None
    assert correction.text == searched


@pytest.mark.parametrize(
    "query",
    [
        "wireless headphones", "WIRELESS", "shirt", "skirt", "red skirt for kids", "key and board",
        # Words of a language, which the shop does not sell: English, German, Spanish, Dutch.
        "cabin", "garden gnome", "Drucker für das Büro", "impresora", "toetsenbord",
        # Too short to be alike, and too far from everything.
        "rad", "xbx", "zzzzzzzzzz", "qwrtplkj",
        # Model numbers and units are no words.
        "KX-4820B", "500ml", "5032227441125", "a1b2c3", "15", "s21",
        # No spaces between words.
        "无线耳机", "ワイヤレス イヤホン", "",
    ],
)  # fmt: skip
def test_other_queries_are_searched_as_typed(query: str) -> None:
    assert correct(query, SHOP) is None


def test_a_short_rare_word_of_another_language_is_more_often_a_mistake() -> None:
    # `moue`, a pout, is one in a million French words; `stativ`, a tripod, one of the German ones.
    counts = {"mouse": 9, "pad": 9}
    assert correct("moue pad", Vocabulary(counts, languages=frozenset(["en"])))
    assert correct("moue pad", Vocabulary(counts, languages=frozenset(["fr"]))) is None
    assert correct("stativ", Vocabulary({"static": 9}, languages=frozenset(["en"]))) is None


def test_a_rare_joined_name_is_separated_too() -> None:
    counts = {"iphone": 300, "iphone15": 3, "suv": 4, "suv2000": 9}
    shop = Vocabulary(counts, languages=frozenset(["en"]))
    correction = correct("iphone15", shop)
    assert correction is not None
    assert (correction.text, correction.has_models, correction.unknown) == ("iphone 15", True, [])
    assert correct("suv2000", shop) is None


def test_what_was_replaced_is_named_and_can_be_kept() -> None:
    correction = correct("wireles headphnes usb", SHOP)
    assert correction is not None
    assert correction.replaced == {"wireles": "wireless", "headphnes": "headphones"}
    kept = correction.without(["wireles"])
    assert kept is not None
    assert kept.text == "wireles headphones usb"
    assert correction.without(["wireles", "headphnes"]) is None


def test_known_words_need_no_look() -> None:
    assert not may_be_misspelt("wireless headphones 15 无线", SHOP)
    assert not may_be_misspelt("wireles", Vocabulary({}))


def test_many_unknown_words_are_no_list_of_products() -> None:
    correction = correct("keybord " * 100, SHOP)
    assert correction is not None
    assert len(correction.changes) == 8


def test_an_empty_vocabulary_corrects_nothing() -> None:
    assert correct("wireles", Vocabulary({})) is None


@given(st.text(max_size=60), st.sampled_from(sorted(SHOP.counts)))
def test_the_words_of_the_catalogue_stay(text: str, word: str) -> None:
    correction = correct(f"{text} {word}", SHOP)
    if correction is not None:
        # Nothing outside the changes is touched.
        rest, done = "", 0
        for start, end, _ in correction.changes:
            rest += correction.query[done:start]
            done = end
        assert all(part in correction.text for part in rest.split())
        assert all(words in correction.text for _, _, words in correction.changes)
        single = [key for key in correction.replaced if key.lower() in SHOP]
        assert single == []
