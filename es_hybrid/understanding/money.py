"""Amounts of money as shoppers type them.

Unlike a price column (`ingest.cleaning.price`), a query has no declared decimal separator, and its
words mean more than money: `ft` is a foot here and not the forint, `Euro 5` an emission standard,
and `pounds` are a weight. So this list of currencies is shorter than that of the feeds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from string import ascii_lowercase
from typing import NamedTuple

from es_hybrid.understanding.plain import CJK, plain

_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "TWD", "MXN")
_CROWNS = ("SEK", "NOK", "DKK", "ISK")
_PESOS = ("MXN", "ARS", "CLP", "COP", "PHP")
_YUAN = ("CNY", "TWD", "HKD")
_CODES = (
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "CNY", "JPY",
    "KRW", "INR", "AUD", "CAD", "NZD", "HKD", "SGD", "TWD", "BRL", "MXN", "ZAR", "RUB",
)  # fmt: skip
_SYMBOLS = {
    "$": _DOLLARS, "€": ("EUR",), "£": ("GBP",), "¥": ("JPY", "CNY"), "₹": ("INR",),
    "₩": ("KRW",), "₽": ("RUB",), "₺": ("TRY",), "₫": ("VND",), "฿": ("THB",), "₴": ("UAH",),
    "₪": ("ILS",), "₱": ("PHP",), "us$": ("USD",), "ca$": ("CAD",), "c$": ("CAD",),
    "au$": ("AUD",), "a$": ("AUD",), "nz$": ("NZD",), "hk$": ("HKD",), "s$": ("SGD",),
    "nt$": ("TWD",), "r$": ("BRL",), "mx$": ("MXN",), "人民币": ("CNY",),
}  # fmt: skip
# Before an amount. Not `euro`: `ab Euro 5`.
_PREFIXES = {code.lower(): (code,) for code in _CODES} | {
    "kr": _CROWNS, "rs": ("INR", "PKR", "LKR"), "rm": ("MYR",), "sfr": ("CHF",), "rmb": ("CNY",),
}  # fmt: skip
_SUFFIXES = _PREFIXES | {
    "euro": ("EUR",), "euros": ("EUR",), "eruo": ("EUR",), "euor": ("EUR",), "eurs": ("EUR",),
    "евро": ("EUR",), "欧元": ("EUR",), "歐元": ("EUR",), "ユーロ": ("EUR",), "유로": ("EUR",),
    "dollar": _DOLLARS, "dollars": _DOLLARS, "dolars": _DOLLARS, "dollers": _DOLLARS,
    "bucks": _DOLLARS, "dolar": _DOLLARS, "dolares": _DOLLARS, "dollari": _DOLLARS,
    "dolarow": _DOLLARS, "долларов": _DOLLARS, "ドル": _DOLLARS, "달러": _DOLLARS,
    "us dollars": ("USD",), "us-dollar": ("USD",), "us dollar": ("USD",), "美元": ("USD",),
    "美金": ("USD",), "米ドル": ("USD",), "港币": ("HKD",), "港元": ("HKD",), "台币": ("TWD",),
    "quid": ("GBP",), "sterling": ("GBP",), "pounds sterling": ("GBP",), "英镑": ("GBP",),
    "libras esterlinas": ("GBP",), "livres sterling": ("GBP",), "ポンド": ("GBP",),
    "yuan": ("CNY",), "renminbi": ("CNY",), "元": _YUAN, "块": ("CNY",), "块钱": ("CNY",),
    "塊": ("TWD",), "人民币": ("CNY",), "円": ("JPY",), "日元": ("JPY",), "日円": ("JPY",),
    "yen": ("JPY",), "원": ("KRW",), "won": ("KRW",),
    "franken": ("CHF",), "francs": ("CHF",), "franchi": ("CHF",), "stutz": ("CHF",),
    "kronor": ("SEK",), "kroner": ("NOK", "DKK"), "kronen": _CROWNS,
    "zl": ("PLN",), "zł": ("PLN",), "zlotych": ("PLN",), "złotych": ("PLN",), "złote": ("PLN",),
    "kc": ("CZK",), "lei": ("RON",), "руб": ("RUB",), "рублей": ("RUB",), "р": ("RUB",),
    "reais": ("BRL",), "pesos": _PESOS, "rupees": ("INR", "PKR", "LKR"), "rupien": ("INR", "IDR"),
    "rand": ("ZAR",), "lira": ("TRY",), "tl": ("TRY",), "ringgit": ("MYR",), "baht": ("THB",),
    "dirhams": ("AED", "MAD"),
}  # fmt: skip
_NAMES = {plain(name): codes for name, codes in (_SYMBOLS | _SUFFIXES).items()}

_HAN_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {
    "〇": 0,
    "两": 2,
    "兩": 2,
}
_HAN_TENS = {"十": 10, "百": 100, "千": 1000}
_HAN_NUMBER = "[零〇一二三四五六七八九十百千万两兩]"
_TIMES = {
    "k": 1000, "thousand": 1000, "tausend": 1000, "mil": 1000, "тыс": 1000, "千": 1000, "천": 1000,
    "万": 10_000, "萬": 10_000, "만": 10_000,
}  # fmt: skip


_LETTER = re.compile(rf"[^\W\d_{CJK}]")


def _any_of(words: Iterable[str]) -> str:
    """Longest first. A word in letters ends where its letters do."""
    return "|".join(map(_whole, sorted(words, key=len, reverse=True)))


def _whole(word: str) -> str:
    if not _LETTER.match(word[-1]):
        return re.escape(word)
    hyphen = "|-" if word == "rs" else ""  # `DB-9 RS-232`
    return rf"{re.escape(word)}(?![^\W_{CJK}]{hyphen})"


def _any_of_signs(*, letters: bool) -> str:
    """The signs before an amount that begin with a letter, or the others."""
    signs = [sign for sign in (_SYMBOLS | _PREFIXES) if (sign[0] in ascii_lowercase) == letters]
    return "|".join(map(re.escape, sorted(signs, key=len, reverse=True)))


_NUMBER = re.compile(
    rf"""
    (?<![0-9,]) (?<![^a-z]\.)
    (?: [1-9][0-9]{{0,2}} (?:[.,'\ ][0-9]{{3}})+ (?:[.,][0-9][0-9]?)? (?![.,']?[0-9])
      | [0-9]{{1,9}} (?:[.,][0-9][0-9]?)? (?![.,']?[0-9])
      | {_HAN_NUMBER}{{1,9}} (?=\ ?(?:元|块|塊|円|日元|美元|美金|欧元|人民币)) )
    """,
    re.VERBOSE,
)
_CENTS_AFTER_SIGN = re.compile(r"[€$£]([0-9]{2})(?![0-9])")
_BEFORE = re.compile(
    rf"(?:(?<![^\W_])({_any_of_signs(letters=True)})\.?|({_any_of_signs(letters=False)})) ?$"
)
_AFTER = re.compile(
    rf"(?:[.,]--?(?![0-9]))?(?: ?({'|'.join(_TIMES)})(?![a-z]))?(?: ?({_any_of(_NAMES)}))?"
)
# The longest sign before an amount: `sfr. `.
_REACH = 6
_DECIMALS = re.compile(r"[.,](\d\d?)$")


class Amount(NamedTuple):
    """A number in a query, and the currencies that its sign may mean; none if it has no sign."""

    start: int
    end: int
    value: float
    currencies: tuple[str, ...]


def amounts(query: str) -> Iterator[Amount]:
    """The numbers of a query in plain letters that may be amounts, from left to right."""
    end = 0
    for number in _NUMBER.finditer(query):
        if number.start() < end:
            continue  # the cents of `19€99`
        start, end = number.span()
        before = _BEFORE.search(query[max(0, start - _REACH) : start])
        if before is None and query[start - 1 : start].isalnum() and query[start - 1].isascii():
            continue  # `iphone15`
        after, cents = _AFTER.match(query, end), _CENTS_AFTER_SIGN.match(query, end)
        signs: tuple[str, ...] = ()
        if before:
            start -= len(before[0])
            signs = _NAMES[before[1] or before[2]]
        times = 1
        if cents:
            end, signs = cents.end(), _NAMES[query[end]]
        elif after:
            end, times = after.end(), _TIMES.get(after[1] or "", 1)
            signs = _NAMES[after[2]] if after[2] else signs
        yield Amount(start, end, round(_value(number[0], cents and cents[1]) * times, 2), signs)


def _value(number: str, cents: str | None) -> float:
    """A mark before one or two last digits is a decimal one; others separate thousands."""
    if not number[0].isascii():
        return _han_value(number)
    decimals = _DECIMALS.search(number)
    whole = number[: decimals.start()] if decimals else number
    fraction = cents or (decimals[1] if decimals else "0")
    return float(f"{re.sub(r'[^0-9]', '', whole)}.{fraction}")


def _han_value(number: str) -> float:
    """`一千五百` -> 1500, `两万` -> 20000, `五〇` -> 50."""
    total = part = digit = 0
    for sign in number:
        if sign == "万":
            total, part, digit = (total + part + digit or 1) * 10_000, 0, 0
        elif sign in _HAN_TENS:
            part, digit = part + (digit or 1) * _HAN_TENS[sign], 0
        else:
            digit = digit * 10 + _HAN_DIGITS[sign]
    return float(total + part + digit)
