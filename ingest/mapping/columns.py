"""What the values of a column look like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import chain
from statistics import mean
from typing import Any

import orjson

from es_hybrid.align.compare.keys import gtin14
from ingest.cleaning.language import normalize_tag
from ingest.cleaning.price import CURRENCY_OF_SIGN, BadPrice, DecimalSeparator, parse_price

_SHOWN_SAMPLES = 3
_SHOWN_CHARS = 40
# Of the values, that have steps: products also lie on the first level of a tree.
_SOME = 0.3
_URL = re.compile(r"(?:https?:)?//\S+", re.IGNORECASE)
# Steps of a category path, in the order in which they are tried.
_STEPS = (" > ", ">", "›", "»", "|", " / ", "/")


@dataclass(frozen=True)
class Column:
    """One column of the rows that were looked at.

    Attributes:
        rows: How many rows there are; those without a value count too.
        values: Of the rows that have one.
    """

    name: str
    rows: int
    values: tuple[Any, ...]

    @cached_property
    def texts(self) -> tuple[str, ...]:
        """The values that are texts or numbers, as text; of lists their items."""
        items = chain.from_iterable(
            value if isinstance(value, list) else (value,) for value in self.values
        )
        texts = (str(item).strip() for item in items if _is_scalar(item))
        return tuple(text for text in texts if text)

    @cached_property
    def holds_lists(self) -> bool:
        """Some value is a list."""
        return any(isinstance(value, list) for value in self.values)

    @cached_property
    def distinct(self) -> int:
        """How many different texts there are."""
        return len(set(self.texts))

    @property
    def filled(self) -> float:
        """Share of the rows that have a value."""
        return len(self.values) / max(self.rows, 1)

    @property
    def is_unique(self) -> bool:
        """Every row has a value, and no two have the same."""
        return self.distinct == self.rows > 0 and not self.holds_lists

    @cached_property
    def chars(self) -> float:
        """Mean length of the texts."""
        return mean(map(len, self.texts)) if self.texts else 0.0

    def share(self, test: Callable[[str], bool]) -> float:
        """Of the texts that pass the test; 0 where there are none."""
        return sum(map(test, self.texts)) / max(len(self.texts), 1)

    @cached_property
    def samples(self) -> str:
        """The first different values, for people."""
        texts = list(dict.fromkeys(self.texts or map(str, self.values)))[:_SHOWN_SAMPLES]
        shortened = (
            text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…" for text in texts
        )
        return ", ".join(repr(" ".join(text.split())) for text in shortened)

    @cached_property
    def holds_objects(self) -> bool:
        """Names with values, also as JSON text."""
        return bool(self.values) and all(map(_is_object, self.values[:100]))

    @property
    def holds_prices(self) -> float:
        """Share of the values that are prices, read either way."""
        return max(self.priced(".")[0], self.priced(",")[0])

    def priced(self, separator: DecimalSeparator) -> tuple[float, set[str]]:
        """Share of the texts that are prices with this decimal separator, and their currencies."""
        found = [_price(text, separator) for text in self.texts]
        good = [currency for currency in found if currency is not None]
        return len(good) / max(len(found), 1), {currency for currency in good if currency}

    @cached_property
    def category_separator(self) -> str | None:
        """What parts the steps where the values are paths."""
        for separator in _STEPS:
            inside = partial(_has_inside, separator)
            if self.share(inside) >= _SOME:
                return separator.strip()
        return None

    @cached_property
    def kind(self) -> str:
        """In a word or two, for people."""
        if not self.values:
            return "empty"
        if self.holds_objects:
            return "objects"
        if not self.texts:
            return "lists" if isinstance(self.values[0], list) else "no text"
        if self.share(is_url) > 0.8:
            return "addresses"
        if self.share(is_number) > 0.8:
            return "numbers"
        return "texts" if self.distinct > 1 else "one value"


def columns_of(rows: Iterable[Mapping[str, Any]]) -> list[Column]:
    """The columns of the rows, in the order in which they come up."""
    collected: dict[str, list[Any]] = {}
    count = 0
    for row in rows:
        count += 1
        for name, value in row.items():
            if value is not None and value != "":
                collected.setdefault(name, []).append(value)
            else:
                collected.setdefault(name, [])
    return [Column(name, count, tuple(values)) for name, values in collected.items()]


def is_gtin(text: str) -> bool:
    """A trade item number with a right check digit; also several, parted by commas or spaces."""
    numbers = text.replace(",", " ").split()
    return bool(numbers) and all(gtin14(number) for number in numbers)


def is_url(text: str) -> bool:
    """An address on the web."""
    return _URL.fullmatch(text) is not None


def is_number(text: str) -> bool:
    """Digits, perhaps with a fraction."""
    return re.fullmatch(r"[+-]?\d+([.,]\d+)?", text) is not None


def is_language(text: str) -> bool:
    """A language tag, the language in lower case as countries are not."""
    try:
        return text[:2].islower() and len(normalize_tag(text).split("-")[0]) == 2
    except ValueError:
        return False


def is_currency(text: str) -> bool:
    """A code of three capitals, or a sign."""
    return text in CURRENCY_OF_SIGN or re.fullmatch("[A-Z]{3}", text) is not None


def _has_inside(separator: str, text: str) -> bool:
    return separator in text.strip(separator)


def _price(text: str, separator: DecimalSeparator) -> str | None:
    """The currency that a price names, or an empty text; None where this is no price."""
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
