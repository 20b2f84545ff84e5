"""Which queries are trade numbers, and how those may be stored."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from es_hybrid.cleaning import clean_query
from es_hybrid.understanding.identifiers import identifier_of

GTIN = "4006381333931"


@pytest.mark.parametrize(
    "text",
    [GTIN, f"0{GTIN}", "4 006381 333931", "4006381-333931", "400-6381-33393-1", f"EAN {GTIN}",
     f"EAN-13: {GTIN}", f"EAN 13 {GTIN}", f"GTIN: 0{GTIN}", f"条码{GTIN}", f"条形码: {GTIN}",
     f"バーコード {GTIN}", f"(01)0{GTIN}", f"#{GTIN}", f"“{GTIN}”", f"{GTIN}.",
     "４００６３８１３３３９３１", f"\u200b{GTIN}", "EAN4006381333931"],
)  # fmt: skip
def test_one_gtin_in_many_forms(text: str) -> None:
    number = identifier_of(clean_query(text))
    assert number is not None
    assert set(number.gtins) == {GTIN, f"0{GTIN}"}
    assert number.certain


@pytest.mark.parametrize(
    ("text", "form"),
    [("36000291452", "036000291452"), ("0 36000 29145 2", "0036000291452"),
     ("UPC 36000291452", "00036000291452"), ("9638 5074", "00000096385074"),
     ("EAN 8 712345 678906", "8712345678906"), ("ISBN 3-16-148410-X", "9783161484100"),
     ("ISBN 10 0306406152", "9780306406157"), ("ISBN-13: 978-3-16-148410-0", "316148410X"),
     ("316148410x", "9783161484100"), ("4006381333932", "04006381333932")],
)  # fmt: skip
def test_other_numbers_of_goods(text: str, form: str) -> None:
    number = identifier_of(text)
    assert number is not None
    assert form in number.gtins


@pytest.mark.parametrize("text", ["2026-11-29", "10 20 30 40", "20.30.40.50", "123-456-78"])
def test_eight_digits_in_groups_are_no_gtin(text: str) -> None:
    number = identifier_of(text)
    assert number is None or (number.gtins == () and not number.certain)


@pytest.mark.parametrize(
    "text",
    ["NOR.0707-60", "NOR070760", "nor 0707 60", "nor-0707.60", "NOR/0707_60", "NOR 070760",
     "Art.-Nr. NOR.0707-60", "SKU: nor070760", "Ref. NOR 0707 60", "型号NOR.0707-60",
     "品番：NOR0707ー60", "NOR–0707—60", "ＮＯＲ．０７０７－６０", "(NOR.0707-60)"],
)  # fmt: skip
def test_one_sku_in_many_forms(text: str) -> None:
    number = identifier_of(clean_query(text))
    assert number is not None
    assert number.key.upper() == "NOR070760"
    pattern = re.compile(number.pattern, re.IGNORECASE)
    stored = ["NOR.0707-60", "NOR070760", "nor 0707 60", "NOR‐0707–60", "-NOR-0707-60"]
    assert all(map(pattern.fullmatch, stored))
    assert not pattern.fullmatch("NOR.0707-61")


@pytest.mark.parametrize(
    "text",
    ["iphone 15", "usb 3.0", "256gb", "2 pack", "airmax 90", "air max 90", "5 mm drill", "1080p",
     "100-240v", "10x15cm", "1920x1080", "205/55R16", "205/55 R16 91V", "windows 10", "nike 270",
     "galaxy s24 ultra", "20000mAh", "Cat 6", "item 2", "12 volt", "24 V Netzteil", "SSD 1 TB",
     "model 3",
     "type C8", "3 in 1", "size 8.5", "1,7 l", "2er pack", "unter 50 Euro", "50元以下",
     "4k monitor", "h2o", "mp3", "ps5", "no 5 chanel", "upcycling 2026", "sku labels 100",
     "barcode scanner 2d", "ean 13 labels", "100% cotton", "brother tn-2110 toner", "18650",
     "TN-2410X硒鼓", "2TB固态硬盘", "シャツ 2枚", "c++ 11", "kettle", "", "°", "EAN", "SKU"],
)  # fmt: skip
def test_words_quantities_and_phrases_are_no_numbers(text: str) -> None:
    assert identifier_of(text) is None


@pytest.mark.parametrize(
    "text",
    ["170000D000237", "D000237", "KX-4820B", "kx4820b", "UE55RU7099UXZG", "HP8183/00", "C9351AE",
     "6204-2RS", "44315108", "4006381333932", "SKU 4711", "Artikelnummer: 12-34",
     "EAN 400638133393", "MPN ABC1", "Modell KX-4820B", "type 44315108",
     "article 4006381333931"],
)  # fmt: skip
def test_what_can_only_be_a_number(text: str) -> None:
    number = identifier_of(text)
    assert number is not None
    assert number.certain


@pytest.mark.parametrize(
    "text",
    ["iphone15", "airmax270", "Cat.5e", "usb3.0", "ral7016", "iso20345", "rtx4070", "covid19",
     "sommer2026", "wm2026", "1000teile", "gu10", "m8x40", "rtx 2060", "123456", "10/100/1000",
     "1,000,000"],
)  # fmt: skip
def test_what_may_be_something_else_is_not_certain(text: str) -> None:
    number = identifier_of(text)
    assert number is not None
    assert not number.certain


@pytest.mark.parametrize(
    ("text", "is_start", "is_end"),
    [("KX-48", True, False), ("4820B", True, True), ("5GCLF2D", True, True), ("SYA8K", True, True),
     ("usb3.0", False, False), ("rtx 4070", False, False), ("led 600 w", False, False),
     ("D000237", True, True), (GTIN, False, False),
     ("hp 305 xl", True, True), ("iphone15", False, False), ("RACK2", True, True),
     ("123456", True, True), ("Ref. 12345", False, False)],
)  # fmt: skip
def test_halves(text: str, is_start: bool, is_end: bool) -> None:
    number = identifier_of(text)
    assert number is not None
    assert (number.is_start, number.is_end) == (is_start, is_end)


def test_a_short_number_after_a_label_is_searched_as_it_is() -> None:
    number = identifier_of("SKU: 80")
    assert number is not None
    assert (number.value, number.key, number.certain) == ("80", "", True)


SIGNS = st.text(alphabet="aZé0159 -._/,:#+*?()[]{}|\\^$&~<>@\"'ー–。中", max_size=60)


@given(st.one_of(st.text(max_size=100), SIGNS))
def test_no_sign_of_a_query_is_syntax(text: str) -> None:
    number = identifier_of(clean_query(text))
    if number is None:
        return
    assert number.key == "" or 4 <= len(number.key) <= 40
    assert number.key == "" or number.key.isalnum()
    assert max(map(len, (number.pattern, number.start_pattern, number.end_pattern))) < 1000
    assert all(len(gtin) <= 14 and gtin.isalnum() for gtin in number.gtins)
    if number.key:
        assert re.fullmatch(number.pattern, number.value.replace("ー", "-"))


@pytest.mark.parametrize(
    "unit", ["1", "a1", "1 ", "EAN", "no. ", "1x", "1.", "-", "ref. ref", "9x9cm"]
)
def test_a_thousand_characters_take_no_time(unit: str) -> None:
    assert identifier_of((unit * 1000)[:1000].strip()) is None
