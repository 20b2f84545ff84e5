from __future__ import annotations

from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.cleaning.price import BadPrice, parse_price


@pytest.mark.parametrize(
    ("text", "amount", "currency"),
    [
        ("12.99", 12.99, ""),
        ("12", 12.0, ""),
        ("0", 0.0, ""),
        ("+7.5", 7.5, ""),
        ("1,299", 1299.0, ""),
        ("1,299.00", 1299.0, ""),
        ("12,345,678.9", 12345678.9, ""),
        ("1 299.50", 1299.5, ""),
        ("1\u202f299.50 €", 1299.5, "EUR"),
        ("1'299.50 CHF", 1299.5, "CHF"),
        ("$19.90", 19.9, ""),
        ("US$ 19.90", 19.9, "USD"),
        ("£5", 5.0, "GBP"),
        ("¥1,280", 1280.0, ""),
        ("１２９元", 129.0, "CNY"),
        ("3980円", 3980.0, "JPY"),
        ("EUR 3.50", 3.5, "EUR"),
        ("49.00 zł", 49.0, "PLN"),
    ],
)
def test_prices_with_a_decimal_point(text: str, amount: float, currency: str) -> None:
    assert parse_price(text, decimal_separator=".") == (amount, currency)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("12,99", 12.99), ("1.299,00", 1299.0), ("1.299", 1299.0), ("1 299,5", 1299.5)],
)
def test_prices_with_a_decimal_comma(text: str, amount: float) -> None:
    assert parse_price(text, decimal_separator=",") == (amount, "")


@pytest.mark.parametrize(
    ("text", "separator"),
    [
        ("12,99", "."), ("12.99", ","), ("1,29,900", "."), ("1,299,00", "."), ("1.299.00", "."),
        ("1,299 000", "."), ("-5", "."), ("€ -5", "."), ("5-7", "."), ("1e3", "."), ("NaN", "."),
        ("inf", "."), ("free", "."), ("from 5", "."), (".99", "."), ("12.", "."), ("€ 5 GBP", "."),
        ("12.99.", "."), ("€", "."), ("1" * 400, "."), ("５，９９", "."),
    ],
)  # fmt: skip
def test_what_is_no_price(text: str, separator: Literal[".", ","]) -> None:
    with pytest.raises(BadPrice):
        parse_price(text, decimal_separator=separator)


@given(st.integers(0, 10**9), st.integers(0, 99))
def test_every_price_written_by_a_shop_comes_back(whole: int, cents: int) -> None:
    amount = float(f"{whole}.{cents:02d}")
    english = f"{whole:,}.{cents:02d}"
    german = english.translate(str.maketrans(",.", ".,"))
    assert parse_price(english, decimal_separator=".") == (amount, "")
    assert parse_price(german, decimal_separator=",") == (amount, "")


@given(st.text(max_size=20))
def test_any_text_is_a_price_or_refused(text: str) -> None:
    try:
        amount, _ = parse_price(text, decimal_separator=".")
    except BadPrice:
        return
    assert 0 <= amount < 1e16
