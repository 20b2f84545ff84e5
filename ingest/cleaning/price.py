"""Prices as shops write them -> a number and, if it is unambiguous, a currency.

Only what means one amount beyond doubt is a price. Numbers are strict on purpose: `12,99` is 12.99
in one shop and a typing error in another, and where it is not the typing error, `1.299` in the next
row means 1299. So only the configured decimal separator is accepted, and thousands only in groups
of three, or as in India (`1,29,999`).
"""

from __future__ import annotations

import html
import re
import unicodedata
from functools import lru_cache
from typing import Literal

from ingest.cleaning.names import currency_named
from ingest.cleaning.problems import shown

DecimalSeparator = Literal[".", ","]
# The kind of problem that another `ingest.decimal_separator` may solve.
DECIMAL_SEPARATOR = "decimal separator"

# Longer texts are no prices. Entities make a text longer: `12.99&nbsp;&euro;`.
_MAX_CHARS = 100

# Dashes and apostrophes in their variants, footnotes, and the Arabic marks.
_VARIANTS = str.maketrans(
    dict.fromkeys("‐‑‒–—―−", "-") | dict.fromkeys("’‘`´ʹʼ′", "'") | dict.fromkeys("*†‡", "")
)
_ARABIC = re.compile("[٫٬]")
# Directional marks and other invisible characters.
_INVISIBLE = re.compile("[\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

# Digits with marks between them; a mark before them only if no abbreviation ends there (`Rs.499`).
_NUMBER = re.compile(r"(?:(?<!\w)[.,](?=\d))?\d(?:[\d.,' ]*\d)?")
# In place of cents: `12,-`, `12.--`, `12:-`, `499/-`, `499/=`, or only the mark: `12.`.
_NO_CENTS = re.compile(r"(?P<mark>[.,:]) ?--?(?!\w)|/[-=]|(?P<bare>[.,])(?=$| )")
# `12€99`.
_SIGN_AS_MARK = re.compile(r"(?<![\d.,'])(\d{1,6})([€$£])(\d\d)(?!\d)")
# The amount is the shop's price with them or without.
_TAX_WORDS = frozenset(
    [
        "inkl", "incl", "inc", "incluido", "incluida", "inclus", "including", "inklusive", "excl",
        "exkl", "ex", "excluding", "exklusive", "zzgl", "plus", "compris", "mwst", "ust", "vat",
        "tax", "taxes", "gst", "iva", "tva", "btw", "moms", "mva", "dph", "áfa", "kdv", "alv",
        "ttc", "ht", "ндс", "税込", "税込み", "税抜", "税抜き", "税別", "含税", "不含税",
    ]
)  # fmt: skip


class BadPrice(ValueError):
    """The text is not a price; `str()` gives the reason.

    Attributes:
        kind: The reason in words that never change.
    """

    def __init__(self, message: str, kind: str = "not a price") -> None:
        super().__init__(message)
        self.kind = kind


def parse_price(text: str, *, decimal_separator: DecimalSeparator) -> tuple[float, str]:
    """The amount, finite and >= 0, and an ISO 4217 code or an empty string.

    >>> parse_price("€ 1,299.00", decimal_separator=".")
    (1299.0, 'EUR')

    Raises:
        BadPrice: the text is not a price by these rules.
    """
    plain = _plain(text, decimal_separator)
    numbers = list(_NUMBER.finditer(plain))
    if not numbers:
        raise BadPrice(f"{shown(text)} is not a price")
    if len(numbers) > 1:
        raise BadPrice(f"{shown(text)} is not a single amount", "not a single amount")
    (number,) = numbers
    before, after = plain[: number.start()].strip(), plain[number.end() :].strip()
    ending = _NO_CENTS.match(after)
    if ending:
        after = after[ending.end() :].strip()
    in_brackets = before.endswith("(") and after.startswith(")")  # as accountants write it
    if in_brackets or before[:1] == "-" or before[-1:] == "-" or after[:1] == "-":
        raise BadPrice(f"{shown(text)} is negative", "negative")
    currency = _currency(before.removesuffix("+"), after, text)
    amount = _amount(number[0], ending, decimal_separator)
    if amount is None:
        raise BadPrice(
            f"{shown(text)} is not a price with the decimal separator {decimal_separator!r}",
            DECIMAL_SEPARATOR,
        )
    return amount, currency


def _plain(text: str, decimal_separator: DecimalSeparator) -> str:
    """One line with plain digits and marks."""
    if len(text) > 10 * _MAX_CHARS:
        raise BadPrice(f"{shown(text)} is too long to be a price")
    plain = html.unescape(text) if "&" in text else text
    if not plain.isascii():
        plain = _arabic_marks(plain, decimal_separator)
        plain = _INVISIBLE.sub("", _without_raised_digits(plain, text)).translate(_VARIANTS)
        plain = unicodedata.normalize("NFKC", plain)
    plain = " ".join(plain.translate(_VARIANTS).split())
    if len(plain) > _MAX_CHARS:
        raise BadPrice(f"{shown(text)} is too long to be a price")
    return _SIGN_AS_MARK.sub(rf"\1{decimal_separator}\3\2", plain)


def _arabic_marks(text: str, decimal_separator: DecimalSeparator) -> str:
    """Arabic decimal and thousands separators, which mean nothing else, as the configured ones."""
    other = "," if decimal_separator == "." else "."
    return _ARABIC.sub(lambda mark: decimal_separator if mark[0] == "٫" else other, text)


def _without_raised_digits(plain: str, text: str) -> str:
    """Without a footnote's raised number: `12 €¹`. After a digit it could be cents: `12⁹⁹`."""
    end = len(plain)
    while end and unicodedata.category(plain[end - 1]) == "No":
        end -= 1
    footnote_of_digit = end < len(plain) and plain[end - 1 : end].isdigit()
    if footnote_of_digit or any(unicodedata.category(sign) == "No" for sign in plain[:end]):
        raise BadPrice(f"{shown(text)} has raised digits", "not a single amount")
    return plain[:end]


def _amount(
    number: str, ending: re.Match[str] | None, decimal_separator: DecimalSeparator
) -> float | None:
    parts = _number_pattern(decimal_separator).fullmatch(number)
    if parts is None:
        return None
    if ending:
        mark = ending["mark"] or ending["bare"]
        # With another mark than the configured one, only bare digits are beyond doubt.
        other = mark in (".", ",") and mark != decimal_separator and not number.isdigit()
        if (mark and parts["fraction"]) or other or (ending["bare"] and mark != decimal_separator):
            return None
    whole = re.sub(r"\D", "", parts["whole"] or "0")
    return float(f"{whole}.{parts['fraction'] or parts['cents'] or 0}")


@lru_cache(maxsize=2)
def _number_pattern(decimal_separator: DecimalSeparator) -> re.Pattern[str]:
    """Digits, or groups of three with the same mark between them, and an optional fraction."""
    thousands, indian = "[' .]", ""
    if decimal_separator == ".":
        thousands, indian = "[' ,]", r"|\d{1,2}(?:,\d\d){1,4},\d{3}"
    mark = re.escape(decimal_separator)
    return re.compile(
        rf"(?P<whole>\d{{1,15}}|\d{{1,3}}(?P<mark>{thousands})\d{{3}}(?:(?P=mark)\d{{3}}){{0,3}}"
        rf"{indian})(?:{mark}(?P<fraction>\d{{1,20}}))?|{mark}(?P<cents>\d\d)"
    )


def _currency(before: str, after: str, text: str) -> str:
    """The currency that the words around the number name, if any."""
    named: set[str] = set()
    for words in filter(None, (before, after)):
        named |= _currencies(words, text)
    if len(named) > 1:
        raise BadPrice(f"{shown(text)} names two currencies", "two currencies")
    return named.pop() if named else ""


def _currencies(words: str, text: str) -> set[str]:
    """The currencies that words name; an ambiguous sign such as `$` names none."""
    code = currency_named(words)
    if code is None:
        tokens = re.split(r"[\s()（）,:/]+", words)
        rest = [t for t in tokens if t and t.casefold().strip(".") not in _TAX_WORDS]
        codes = [currency_named(" ".join(rest))] if rest else []
        if None in codes:
            codes = [currency_named(token) for token in rest]
        if None in codes:
            kind = "not a single amount"
            raise BadPrice(f"{shown(text)} is not a price: {shown(words)} is not a currency", kind)
        return {code for code in codes if code}
    return {code} if code else set()
