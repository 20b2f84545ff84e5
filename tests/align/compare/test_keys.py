"""Numbers that name a product."""

from __future__ import annotations

import pytest

from es_hybrid.align.compare.keys import gtin14, plain_key


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


def test_keys_are_compared_without_signs() -> None:
    assert plain_key("WH-1000 XM4") == plain_key("wh1000xm4") == "wh1000xm4"
    assert plain_key("Nestlé") == "nestle"
    assert plain_key("耐克 ") == "耐克"
