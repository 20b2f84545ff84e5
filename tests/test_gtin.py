"""Trade item numbers of all lengths."""

from __future__ import annotations

import pytest

from es_hybrid.gtin import gtin14, gtin_forms, isbn13


@pytest.mark.parametrize(
    "text", ["4006381333931", "04006381333931", "4006381 333931", "４００６３８１３３３９３１"]
)
def test_one_number_in_many_lengths(text: str) -> None:
    assert gtin14(text) == "04006381333931"


def test_short_and_american_numbers() -> None:
    assert gtin14("036000291452") == gtin14("0036000291452") == "00036000291452"
    assert gtin14("96385074") == "00000096385074"


@pytest.mark.parametrize("text", ["4006381333932", "", "n/a", "123", "00000000", "40063813339310"])
def test_no_number(text: str) -> None:
    assert gtin14(text) == ""


def test_an_index_may_contain_more_or_fewer_zeros() -> None:
    assert gtin_forms("4006381333931") == ("4006381333931", "04006381333931")
    assert gtin_forms("04006381333931") == ("04006381333931", "4006381333931")
    upc = {"36000291452", "036000291452", "0036000291452", "00036000291452"}
    assert {frozenset(gtin_forms(form)) for form in upc} == {frozenset(upc)}
    assert set(gtin_forms("96385074")) == {
        "96385074", "000096385074", "0000096385074", "00000096385074",
    }  # fmt: skip


def test_a_book_has_its_old_number_as_well() -> None:
    assert gtin_forms("9783161484100") == ("9783161484100", "09783161484100", "316148410X")


@pytest.mark.parametrize(
    ("isbn10", "number"),
    [("316148410X", "9783161484100"), ("0306406152", "9780306406157"), ("0306406153", ""),
     ("0000000000", ""), ("316148410", "")],
)  # fmt: skip
def test_the_isbn_13_of_an_isbn_10(isbn10: str, number: str) -> None:
    assert isbn13(isbn10) == number
