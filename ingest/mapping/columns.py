"""Properties of a column's values."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from statistics import mean
from typing import Any

import orjson

from es_hybrid.gtin import gtin14
from es_hybrid.language import normalize_tag
from ingest.cleaning.names import currency_named
from ingest.cleaning.price import BadPrice, DecimalSeparator, parse_price

_SHOWN_SAMPLES = 3
_SHOWN_CHARS = 40
# Keys of an object that holds columns, e.g. one for each language.
_MAX_KEYS = 40
# Share of values with several levels: some products are on the first level of a category tree.
_WITH_LEVELS = 0.3
_URL = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
# Separators of category paths, in the order in which they are tried.
_SEPARATORS = (" > ", ">", "›", "»", "|", " / ", "/")


@dataclass(frozen=True)
class Column:
    """One column of the sampled rows.

    Attributes:
        rows: Number of rows, including those without a value.
        values: The values that are not empty.
    """

    name: str
    rows: int
    values: tuple[Any, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """Texts and numbers as text, with lists replaced by their items."""
        items = chain.from_iterable(
            value if isinstance(value, list) else (value,) for value in self.values
        )
        texts = (str(item).strip() for item in items if _is_scalar(item))
        return tuple(text for text in texts if text)

    @cached_property
    def holds_lists(self) -> bool:
        """Whether some value is a list."""
        return any(isinstance(value, list) for value in self.values)

    @cached_property
    def distinct(self) -> int:
        """The number of different texts."""
        return len(set(self.texts))

    @property
    def filled(self) -> float:
        """The share of rows with a value."""
        return len(self.values) / max(self.rows, 1)

    @property
    def is_unique(self) -> bool:
        """Whether every row has a value and all values differ."""
        return self.distinct == self.rows > 0 and not self.holds_lists

    @cached_property
    def chars(self) -> float:
        """The mean length of the texts."""
        return mean(map(len, self.texts)) if self.texts else 0.0

    def share(self, test: Callable[[str], bool]) -> float:
        """The share of texts that pass the test; 0 if there are none."""
        return sum(map(test, self.texts)) / max(len(self.texts), 1)

    @cached_property
    def samples(self) -> str:
        """The first different values, for display."""
        texts = list(dict.fromkeys(self.texts or map(str, self.values)))[:_SHOWN_SAMPLES]
        shortened = (
            text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…" for text in texts
        )
        return ", ".join(repr(" ".join(text.split())) for text in shortened)

    @cached_property
    def lists_objects(self) -> bool:
        """Whether the values are lists of objects, such as the variants of a product."""
        return any(isinstance(item, Mapping) for value in self.values[:100]
                   if isinstance(value, list) for item in value)  # fmt: skip

    @cached_property
    def holds_objects(self) -> bool:
        """Whether the values are objects, possibly as JSON text."""
        return bool(self.values) and all(map(_is_object, self.values[:100]))

    @property
    def holds_prices(self) -> float:
        """The share of prices, with the better of both decimal separators."""
        return max(self.priced(".")[0], self.priced(",")[0])

    def priced(self, separator: DecimalSeparator) -> tuple[float, set[str]]:
        """The share of prices with this decimal separator, and their currencies."""
        found = [_price(text, separator) for text in self.texts]
        good = [currency for currency in found if currency is not None]
        return len(good) / max(len(found), 1), {currency for currency in good if currency}

    @cached_property
    def category_separator(self) -> str | None:
        """The separator of the levels if the values are paths."""
        for separator in _SEPARATORS:
            inside = partial(_has_inside, separator)
            if self.share(inside) >= _WITH_LEVELS:
                return separator.strip()
        return None

    @cached_property
    def kind(self) -> str:
        """A short description of the values, for display."""
        if not self.values:
            return "empty"
        if self.holds_objects:
            return "objects"
        if not self.texts:
            return "lists of objects" if self.lists_objects else "no text"
        if self.share(is_url) > 0.8:
            return "URLs"
        if self.share(is_number) > 0.8:
            return "numbers"
        return "texts" if self.distinct > 1 else "one value"


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[Column]:
    """The columns of the rows, in order of first occurrence; those inside objects by dotted name.

    An object with many keys holds attributes and no columns.
    """
    sample = list(rows)
    return _with_inner(_columns(sample, ""), len(sample))


def _with_inner(columns: Sequence[Column], rows: int) -> list[Column]:
    found = list(columns)
    for column in columns:
        objects = [value for value in column.values if isinstance(value, Mapping)]
        inner = _columns(objects, f"{column.name}.")
        if len(inner) <= _MAX_KEYS:
            found += _with_inner([replace(each, rows=rows) for each in inner], rows)
    return found


def _columns(rows: Sequence[Mapping[str, Any]], prefix: str) -> list[Column]:
    collected: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            values = collected.setdefault(prefix + name, [])
            if value is not None and value != "":
                values.append(value)
    return [Column(name, len(rows), tuple(values)) for name, values in collected.items()]


def is_gtin(text: str) -> bool:
    """Whether this is one or more trade item numbers with valid check digits."""
    numbers = text.replace(",", " ").split()
    return bool(numbers) and all(gtin14(number) for number in numbers)


def is_url(text: str) -> bool:
    """Whether this is a web address."""
    return _URL.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Whether this is a number with an optional fraction."""
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", text) is not None


def is_language(text: str) -> bool:
    """Whether this is a language tag with a lower-case language; countries are in upper case."""
    try:
        return text[:2].islower() and len(normalize_tag(text).split("-")[0]) == 2
    except ValueError:
        return False


def is_currency(text: str) -> bool:
    """Whether this is a currency's code, sign or name."""
    return currency_named(text) is not None


def _has_inside(separator: str, text: str) -> bool:
    return separator in text.strip(separator)


def _price(text: str, separator: DecimalSeparator) -> str | None:
    """The currency that a price names, or an empty string; None if this is not a price."""
    try:
        return parse_price(text, decimal_separator=separator)[1]
    except BadPrice:
        return None


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, Mapping | bool | list | tuple | bytes)


def _is_object(value: Any) -> bool:
    if isinstance(value, str) and value.startswith("{"):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return False
    return isinstance(value, Mapping)
