"""Prices as shops write them -> a number and, if it is unambiguous, a currency.

Strict on purpose: `12,99` is 12.99 in one shop and a typing error in another. So only the
configured decimal separator is accepted, and thousands only in groups of three.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Literal

DecimalSeparator = Literal[".", ","]

# Signs and words of exactly one currency. `$` and `¥` have several: accepted, but ignored.
CURRENCY_OF_SIGN = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₫": "VND", "฿": "THB",
    "₴": "UAH", "₪": "ILS", "₱": "PHP", "₦": "NGN", "₸": "KZT", "zł": "PLN", "Kč": "CZK",
    "US$": "USD", "C$": "CAD", "CA$": "CAD", "A$": "AUD", "AU$": "AUD", "NZ$": "NZD",
    "HK$": "HKD", "S$": "SGD", "NT$": "TWD", "R$": "BRL", "元": "CNY", "円": "JPY", "원": "KRW",
}  # fmt: skip
_AMBIGUOUS = ("$", "¥", "kr", "kr.")
_CODE = re.compile(r"[A-Z]{3}")
_AROUND_NUMBER = re.compile(r"([^\d+-]*)\+?(-?\d.*?|-.*?)([^\d]*)", re.DOTALL)


class BadPrice(ValueError):
    """The text is not a price; `str()` gives the reason."""


def parse_price(text: str, *, decimal_separator: DecimalSeparator) -> tuple[float, str]:
    """The amount, finite and >= 0, and an ISO 4217 code or an empty string.

    >>> parse_price("€ 1,299.00", decimal_separator=".")
    (1299.0, 'EUR')

    Raises:
        BadPrice: the text is not a price by these rules.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    parts = _AROUND_NUMBER.fullmatch(plain)
    if parts is None:
        raise BadPrice(f"{_quoted(text)} is not a price")
    before, number, after = (part.strip() for part in parts.groups())
    currency = _currency(before, after, text)
    if number.startswith("-") or before.endswith("-"):
        raise BadPrice(f"{_quoted(text)} is negative")
    amount = _number_pattern(decimal_separator).fullmatch(number)
    if amount is None:
        raise BadPrice(
            f"{_quoted(text)} is not a price with the decimal separator {decimal_separator!r}"
        )
    whole = re.sub(r"\D", "", amount["whole"])
    return float(f"{whole}.{amount['fraction'] or 0}"), currency


@lru_cache(maxsize=2)
def _number_pattern(decimal_separator: DecimalSeparator) -> re.Pattern[str]:
    """Digits, or groups of three with the same mark between them, and an optional fraction."""
    thousands = r"['’ ,]" if decimal_separator == "." else r"['’ .]"
    return re.compile(
        rf"(?P<whole>\d{{1,15}}|\d{{1,3}}(?P<mark>{thousands})\d{{3}}(?:(?P=mark)\d{{3}}){{0,3}})"
        rf"(?:{re.escape(decimal_separator)}(?P<fraction>\d{{1,10}}))?"
    )


def _currency(before: str, after: str, text: str) -> str:
    """The currency that the signs around the number name, if any."""
    named = set()
    for sign in filter(None, (before, after)):
        if sign in CURRENCY_OF_SIGN:
            named.add(CURRENCY_OF_SIGN[sign])
        elif _CODE.fullmatch(sign):
            named.add(sign)
        elif sign not in _AMBIGUOUS:
            raise BadPrice(f"{_quoted(text)} is not a price: {_quoted(sign)} is not a currency")
    if len(named) > 1:
        raise BadPrice(f"{_quoted(text)} names two currencies")
    return named.pop() if named else ""


def _quoted(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
