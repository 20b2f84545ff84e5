"""Currencies and languages by their names, as the Unicode CLDR has them in 31 languages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from es_hybrid.language import LANGUAGES, normalize_tag

# The longest name in CLDR has 60 characters.
_MAX_CHARS = 80

# What shops write beside the names and codes of CLDR. A sign of several currencies names none.
_SIGNS = {
    "€": "EUR", "£": "GBP", "₹": "INR", "₩": "KRW", "₽": "RUB", "₺": "TRY", "₫": "VND", "฿": "THB",
    "₴": "UAH", "₪": "ILS", "₱": "PHP", "₦": "NGN", "₸": "KZT", "₡": "CRC", "₲": "PYG", "₵": "GHS",
    "₾": "GEL", "₼": "AZN", "៛": "KHR", "৳": "BDT", "؋": "AFN",
    "zł": "PLN", "kč": "CZK", "ft": "HUF", "tl": "TRY", "rp": "IDR", "rm": "MYR", "r": "ZAR",
    "us$": "USD", "$us": "USD", "c$": "CAD", "ca$": "CAD", "a$": "AUD", "au$": "AUD",
    "nz$": "NZD", "hk$": "HKD", "s$": "SGD", "nt$": "TWD", "r$": "BRL", "mx$": "MXN",
    "元": "CNY", "人民币": "CNY", "rmb": "CNY", "円": "JPY", "원": "KRW", "đ": "VND", "บาท": "THB",
    "fr": "CHF", "sfr": "CHF", "franken": "CHF", "dkr": "DKK", "nkr": "NOK", "skr": "SEK",
    "kronor": "SEK", "kroner": "", "kr": "", "руб": "RUB", "рублей": "RUB", "р": "RUB",
    "грн": "UAH", "лв": "BGN", "дин": "RSD", "din": "RSD", "zlotych": "PLN", "złotych": "PLN",
    "eur": "EUR", "euro": "EUR", "euros": "EUR", "ευρώ": "EUR", "евро": "EUR", "lei": "", "leu": "",
    "$": "", "¥": "", "￥": "", "rs": "", "dollar": "", "dollars": "", "pound": "", "pounds": "",
    "rupees": "", "д.إ": "AED", "د.إ": "AED", "ر.س": "SAR", "ج.م": "EGP",
}  # fmt: skip
_NUMBERS = {
    "978": "EUR", "840": "USD", "826": "GBP", "756": "CHF", "752": "SEK", "578": "NOK",
    "208": "DKK", "985": "PLN", "203": "CZK", "348": "HUF", "946": "RON", "975": "BGN",
    "949": "TRY", "643": "RUB", "980": "UAH", "156": "CNY", "392": "JPY", "410": "KRW",
    "356": "INR", "764": "THB", "704": "VND", "360": "IDR", "458": "MYR", "702": "SGD",
    "344": "HKD", "901": "TWD", "608": "PHP", "036": "AUD", "36": "AUD", "554": "NZD",
    "124": "CAD", "484": "MXN", "986": "BRL", "032": "ARS", "32": "ARS", "152": "CLP",
    "170": "COP", "604": "PEN", "710": "ZAR", "818": "EGP", "566": "NGN", "404": "KES",
    "504": "MAD", "784": "AED", "682": "SAR", "634": "QAR", "376": "ILS", "398": "KZT",
    "941": "RSD", "352": "ISK",
}  # fmt: skip
# The languages that most feeds name their currencies and languages in are tried first.
_LOCALES = ("en", "de", "fr", "es", *sorted(LANGUAGES - {"en", "de", "fr", "es"}))


@lru_cache(maxsize=1024)
def currency_named(text: str) -> str | None:
    """The ISO 4217 code of a code, sign or name; empty if it may mean several, None if unknown."""
    word = " ".join(text.casefold().split())
    if not word or len(word) > _MAX_CHARS:
        return None
    for form in (word, word.rstrip("."), word.replace(" ", "").rstrip(".")):
        if form in _SIGNS:
            return _SIGNS[form]
    if re.fullmatch("[a-z]{3}", word) and word.upper() in _currency_codes():
        return word.upper()
    return next(filter(None, (_currency_names(locale).get(word) for locale in _LOCALES)), None)


@lru_cache(maxsize=1024)
def currency_numbered(text: str) -> str | None:
    """The ISO 4217 code of a numeric code, which only a currency field may hold."""
    return _NUMBERS.get(text)


@lru_cache(maxsize=1024)
def language_named(text: str) -> str:
    """The BCP 47 tag of a tag, ISO 639-2 code or name.

    Raises:
        ValueError: there is no such language.
    """
    from babel.core import get_global

    try:
        tag = normalize_tag(text)
    except ValueError:
        word = " ".join(text.partition("(")[0].casefold().split())
        named = (_language_names(locale).get(word) for locale in _LOCALES)
        found = next(filter(None, named), None) if len(word) <= _MAX_CHARS else None
        if found is None:
            raise
        return normalize_tag(found)
    language, dash, rest = tag.partition("-")
    language = get_global("language_aliases").get(language, language)
    if language not in _language_codes():
        raise ValueError(text)
    return normalize_tag(language + dash + rest)


@lru_cache(maxsize=1)
def _currency_codes() -> frozenset[str]:
    from babel.core import get_global

    return frozenset(get_global("all_currencies"))


@lru_cache(maxsize=1)
def _language_codes() -> frozenset[str]:
    return frozenset(_locale("en").languages)


@lru_cache(maxsize=len(_LOCALES))
def _currency_names(locale: str) -> Mapping[str, str]:
    """Name in singular or plural, in lower case -> code of a currency that shops use."""
    from babel.numbers import get_currency_name

    return {
        get_currency_name(code, count, locale).casefold(): code
        for code in set(_NUMBERS.values())
        for count in (None, 1, 2, 5)
    }


@lru_cache(maxsize=len(_LOCALES))
def _language_names(locale: str) -> Mapping[str, str]:
    """Name in lower case -> tag with underscores."""
    return {name.casefold(): tag for tag, name in _locale(locale).languages.items()}


def _locale(name: str) -> Any:
    """A locale of CLDR, read when it is first needed (20 ms)."""
    from babel import Locale

    return Locale.parse(name)
