"""The value of a product field, converted from the value in a source row.

JSON and Parquet give numbers, dates and lists; CSV gives text only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Set
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from es_hybrid.cleaning import with_plain_hyphens
from es_hybrid.language import detect
from ingest.cleaning.names import currency_named, currency_numbered, language_named
from ingest.cleaning.price import DECIMAL_SEPARATOR, BadPrice, DecimalSeparator, parse_price
from ingest.cleaning.problems import FieldProblem, Warn, kind_of, shown
from ingest.cleaning.text import keyword_of, text_of

# Elasticsearch's limit, in bytes of UTF-8.
_MAX_ID_BYTES = 512
# Of a detected language; docs/sources.md has the shares of right and wrong ones.
_CONFIDENCE = 0.22
_ID_REMEDY = "give every product an id that never changes"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_AMOUNT_KEYS = frozenset(["amount", "value", "price"])
_CURRENCY_KEYS = frozenset(["currency", "currencyCode", "currency_code", "priceCurrency"])


def id_of(value: Any) -> str:
    """Text or a whole number, trimmed but not cleaned, because ids must stay as they are."""
    if value is None or value == "":
        raise FieldProblem(
            "id", "missing", "missing", "give every product an id that never changes"
        )
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        raise FieldProblem(
            "id",
            "not text",
            f"{shown(value)} is {kind_of(value)}",
            "write ids as text or whole numbers",
        )
    text = str(value).strip()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise FieldProblem(
            "id", "not Unicode", "not valid Unicode", "write it in valid UTF-8"
        ) from None
    if not text:
        raise FieldProblem("id", "missing", "blank", _ID_REMEDY)
    if size > _MAX_ID_BYTES:
        raise FieldProblem(
            "id",
            "too long",
            f"{size} bytes, Elasticsearch allows {_MAX_ID_BYTES}",
            "shorten it, or map another column",
        )
    return text


def sku_of(value: Any, warn: Warn) -> str:
    """Cleaned text with the keyboard's hyphen for each kind of dash."""
    return with_plain_hyphens(keyword_of("sku", value, warn))


def price_of(value: Any, decimal_separator: DecimalSeparator) -> tuple[float | None, str]:
    """The amount, and the currency that its text names.

    Args:
        value: A number, text, or an object of an amount and its currency.
    """
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, ""
    if isinstance(value, Mapping):
        return _money(value, decimal_separator)
    if isinstance(value, list | tuple) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise FieldProblem("price", "not a price", f"is {kind_of(value)}", "write a number")
    if isinstance(value, str):
        try:
            return parse_price(value, decimal_separator=decimal_separator)
        except BadPrice as error:
            remedy = "correct it"
            if error.kind == DECIMAL_SEPARATOR:
                remedy += ", or set ingest.decimal_separator"
            raise FieldProblem("price", error.kind, str(error), remedy) from None
    try:
        amount = float(value)
    except OverflowError:
        amount = math.inf
    if not math.isfinite(amount):
        raise FieldProblem(
            "price", "not a price", f"{shown(value)} is not finite", "write a number or nothing"
        )
    if amount < 0:
        raise FieldProblem(
            "price", "negative", f"{shown(value)} is negative", "write 0 or more, or nothing"
        )
    return amount, ""


def _money(
    value: Mapping[Any, Any], decimal_separator: DecimalSeparator
) -> tuple[float | None, str]:
    """Of `{"amount": "12.99", "currencyCode": "EUR"}`; a whole number may be cents."""
    amounts = [value[key] for key in value if key in _AMOUNT_KEYS]
    codes = [value[key] for key in value if key in _CURRENCY_KEYS]
    named = currency_named(codes[0]) if codes and isinstance(codes[0], str) else ""
    if (
        len(value) != len(amounts) + len(codes)
        or len(amounts) != 1
        or len(codes) > 1
        or named is None
        or not isinstance(amounts[0], str | float)
    ):
        raise FieldProblem(
            "price",
            "not a single amount",
            f"{shown(value)} is not one amount beyond doubt",
            "map the member that holds it, such as price.amount",
        )
    amount, of_text = price_of(amounts[0], decimal_separator)
    if named and of_text and named != of_text:
        raise _two_currencies(named, of_text)
    return amount, named or of_text


def currency_of(value: Any, warn: Warn) -> str:
    """The ISO 4217 code of a code, numeric code, sign or name; empty if it may mean several."""
    text = keyword_of("currency", value, warn)
    named = (currency_numbered(text) or currency_named(text)) if text else ""
    if named is None:
        raise FieldProblem(
            "currency",
            "not a currency",
            f"{shown(text)} is not a currency",
            "use ISO 4217, e.g. EUR",
        )
    return named


def check_currencies(own: str, of_price: str) -> None:
    """Refuse a price in another currency than the row's.

    Raises:
        FieldProblem: they differ.
    """
    if own and of_price and own != of_price:
        raise _two_currencies(own, of_price)


def _two_currencies(own: str, of_price: str) -> FieldProblem:
    return FieldProblem(
        "price",
        "two currencies",
        f"in {of_price}, but the currency is {own}",
        "make the two agree",
    )


def lang_of(value: Any, warn: Warn) -> str:
    """The tag of a language tag or name; empty if there is none."""
    text = text_of("lang", value, warn)
    try:
        return language_named(text) if text else ""
    except ValueError:
        raise FieldProblem(
            "lang",
            "not a language",
            f"{shown(text)} is not a language",
            "use a BCP 47 tag such as en or zh-CN, or omit it to have the language detected",
        ) from None


def detected_lang(title: str, description: str, among: Set[str]) -> str:
    """The language of the text, one of `among`; empty if that is unsure."""
    text = f"{title}. {description}" if description else title
    return detect(text, among, confidence=_CONFIDENCE)


def version_of(value: Any) -> int:
    """An increasing number, or a date or time as milliseconds since 1970 (UTC without a zone).

    Elasticsearch keeps versions as 64-bit integers.
    """
    number = _whole_number(value)
    if number is None:
        number = _milliseconds(value)
    if number is None or not 0 <= number < 2**63:
        raise FieldProblem(
            "version",
            "not a version",
            "missing" if value is None or value == "" else f"{shown(value)} is not a version",
            "write a whole number >= 0, or a time such as 2026-11-21T09:30:00Z",
        )
    return number


def _whole_number(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,19}\s*", value):
        return int(value)
    return None


def _milliseconds(value: Any) -> int | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            return None
    if isinstance(value, date) and not isinstance(value, datetime):
        value = datetime(value.year, value.month, value.day)
    if not isinstance(value, datetime):
        return None
    moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
