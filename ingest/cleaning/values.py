"""The value of each product field, converted from the value in a source row.

JSON and Parquet give numbers, dates and lists; CSV gives text only.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Set
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NoReturn

import orjson

from es_hybrid.cleaning import LoneSurrogate, clean_text
from es_hybrid.language import detect, normalize_tag
from ingest.cleaning.price import CURRENCY_OF_SIGN, BadPrice, DecimalSeparator, parse_price
from ingest.cleaning.problems import FieldProblem

# Elasticsearch's limits, in bytes of UTF-8.
_MAX_ID_BYTES = 512
_MAX_KEYWORD_BYTES = 32_766
# Deeper than shops nest their attributes, and far below the recursion limit.
_MAX_DEPTH = 20
# Of a detected language; docs/sources.md has the shares of right and wrong ones.
_CONFIDENCE = 0.25
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def id_of(value: Any) -> str:
    """Text or a whole number, trimmed but not cleaned, because ids must stay as they are."""
    if value is None or value == "":
        raise FieldProblem("id", "missing", "give every product an id that never changes")
    if isinstance(value, bool | float) or not isinstance(value, str | int):
        raise FieldProblem(
            "id", f"{_shown(value)} is {_kind(value)}", "write ids as text or whole numbers"
        )
    text = str(value).strip()
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise FieldProblem("id", "not valid Unicode", "write it in valid UTF-8") from None
    if not text:
        raise FieldProblem("id", "blank", "give every product an id that never changes")
    if size > _MAX_ID_BYTES:
        raise FieldProblem(
            "id",
            f"{size} bytes, Elasticsearch allows {_MAX_ID_BYTES}",
            "shorten it, or map another column",
        )
    return text


def text_of(field: str, value: Any) -> str:
    """Cleaned text of a scalar; numbers in their usual notation."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return _scalar(field, value)
    try:
        return clean_text(value)
    except LoneSurrogate as error:
        raise FieldProblem(field, str(error), "write the file in valid UTF-8") from None


def _scalar(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):  # data frames write a missing value so
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise FieldProblem(field, f"is {_kind(value)}", "write text, or map another column to it")


def keyword_of(field: str, value: Any) -> str:
    """Cleaned text that is short enough for a keyword field."""
    text = text_of(field, value)
    if len(text) > _MAX_KEYWORD_BYTES // 4 and len(text.encode()) > _MAX_KEYWORD_BYTES:
        _too_long(field, len(text.encode()))
    return text


def _too_long(field: str, size: int) -> NoReturn:
    raise FieldProblem(
        field, f"{size:,} bytes, Elasticsearch allows {_MAX_KEYWORD_BYTES:,}", "shorten it"
    )


def gtin_of(value: Any) -> tuple[str, ...]:
    """Trade item numbers as text; a single text may list several, separated by commas or spaces."""
    if value is None:
        return ()
    if isinstance(value, str):
        value = value.replace(",", " ").replace(";", " ").replace("|", " ").split()
    numbers = value if isinstance(value, list | tuple) else [value]
    texts = (keyword_of("gtin", number) for number in numbers)
    return tuple(dict.fromkeys(text for text in texts if text))


def category_of(value: Any, separator: str) -> tuple[str, ...]:
    """The path from the root, from a list or from a text with `separator` between the levels."""
    if value is None:
        return ()
    if isinstance(value, str):
        # Clean before splitting: feeds write the separator as `&gt;`.
        value = text_of("category", value).split(separator)
    levels = value if isinstance(value, list | tuple) else [value]
    path = tuple(text for text in (text_of("category", level) for level in levels) if text)
    size = sum(len(level.encode()) + len(" > ") for level in path)
    if size > _MAX_KEYWORD_BYTES:
        _too_long("category", size)
    return path


def price_of(value: Any, decimal_separator: DecimalSeparator) -> tuple[float | None, str]:
    """The amount, and the currency that its text names."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None, ""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise FieldProblem("price", f"is {_kind(value)}", "write a number")
    if isinstance(value, str):
        try:
            return parse_price(value, decimal_separator=decimal_separator)
        except BadPrice as error:
            raise FieldProblem(
                "price", str(error), "correct it, or set ingest.decimal_separator"
            ) from None
    try:
        amount = float(value)
    except OverflowError:
        amount = math.inf
    if not math.isfinite(amount):
        raise FieldProblem("price", f"{_shown(value)} is not finite", "write a number or nothing")
    if amount < 0:
        raise FieldProblem("price", f"{_shown(value)} is negative", "write 0 or more, or nothing")
    return amount, ""


def currency_of(value: Any, from_price: str, price: float | None, default: str) -> str:
    """The row's own code or sign, else the currency in the price, else the default."""
    text = keyword_of("currency", value)
    own = CURRENCY_OF_SIGN.get(text, text.upper())
    if own and not re.fullmatch("[A-Z]{3}", own):
        raise FieldProblem(
            "currency", f"{_shown(text)} is not a currency code", "use ISO 4217, e.g. EUR"
        )
    if own and from_price and own != from_price:
        raise FieldProblem(
            "currency", f"{own}, but the price is in {from_price}", "make the two agree"
        )
    return own or from_price or (default if price is not None else "")


def lang_of(value: Any, default: str, title: str, description: str, among: Set[str]) -> str:
    """The row's own tag, else the default, else the detected language; empty if that is unsure.

    Args:
        among: The languages that detection chooses from.
    """
    tag = text_of("lang", value)
    if not tag:
        text = f"{title}. {description}" if description else title
        return default or detect(text, among, confidence=_CONFIDENCE)
    try:
        return normalize_tag(tag)
    except ValueError:
        raise FieldProblem(
            "lang",
            f"{_shown(tag)} is not a language tag",
            "use a BCP 47 tag such as en or zh-CN, or omit it to have the language detected",
        ) from None


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
            "missing" if value is None or value == "" else f"{_shown(value)} is not a version",
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


def attributes_of(value: Any) -> dict[str, str]:
    """Short texts by dotted name, from an object or, in CSV, from JSON text."""
    if value is None:
        return {}
    if isinstance(value, str):
        if not value.strip():
            return {}
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise FieldProblem("attributes", f"not JSON: {error}", "write a JSON object") from None
    if isinstance(value, list):
        value = _pairs(value)
    if not isinstance(value, Mapping):
        raise FieldProblem("attributes", f"is {_kind(value)}", "write an object: name -> value")
    return dict(_flattened(value, "", _MAX_DEPTH))


def _pairs(value: list[Any]) -> Any:
    """A Parquet map, which arrives as a list of pairs, as a mapping."""
    is_map = all(isinstance(pair, tuple) and len(pair) == 2 for pair in value)
    return dict(value) if is_map else value


def _flattened(values: Mapping[Any, Any], prefix: str, depth: int) -> Iterator[tuple[str, str]]:
    if depth == 0:
        raise FieldProblem("attributes", "nested too deeply", f"nest at most {_MAX_DEPTH} levels")
    for key, value in values.items():
        name = prefix + _attribute_name(str(key))
        kind = type(value)
        if kind is str or kind is float or kind is int:  # first, because almost all are
            text = text_of("attributes", value)
        elif isinstance(value, Mapping):
            yield from _flattened(value, f"{name}.", depth - 1)
            continue
        elif isinstance(value, list | tuple):
            texts = (text_of("attributes", item) for item in value)
            text = ", ".join(item for item in texts if item)
        else:
            text = text_of("attributes", value)
        if not text or not name:
            continue
        if len(text) > _MAX_KEYWORD_BYTES // 8 and len((name + text).encode()) > _MAX_KEYWORD_BYTES:
            _too_long("attributes", len((name + text).encode()))
        yield name, text


@lru_cache(maxsize=4096)
def _attribute_name(key: str) -> str:
    """Cleaned once: every row has the same few hundred names."""
    return text_of("attributes", key)


def _kind(value: Any) -> str:
    names = {
        bool: "a boolean",
        float: "a fractional number",
        list: "a list",
        dict: "an object",
    }
    return names.get(type(value), f"a {type(value).__name__}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}…"
