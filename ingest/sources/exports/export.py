"""What the product exports of shop platforms have in common."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

from es_hybrid.settings import IngestSettings
from ingest.sources.source import Row

# A row's values by column, with the names in lower case, because platforms changed their case.
Folded: TypeAlias = dict[str, Any]

# A product in more categories is an attack or a mistake.
_MAX_PATHS = 100
# An attribute's name, if it is the brand.
_BRAND = ("brand", "manufacturer", "marke", "hersteller", "marque", "marca", "merk")
_UNESCAPED_COMMA = re.compile(r"(?<!\\),")


@dataclass(frozen=True, kw_only=True)
class Export:
    """The product export of a shop platform.

    Attributes:
        name: The value of `--format` that selects it.
        label: As reports name it, e.g. `WooCommerce's product export`.
        remedy: How a shop gets such a file.
        columns: Product field -> the columns that it is read from, in lower case, best first.
        recognizes: Whether a table with these columns, in lower case, or an object with these keys
            is such an export. The second argument is the first row's values.
        products: Turns the export's rows into rows of products.
    """

    name: str
    label: str
    remedy: str
    columns: Mapping[str, Sequence[str]]
    recognizes: Callable[[Set[str], Mapping[str, Any]], bool]
    products: Callable[[Iterator[Row], IngestSettings], Iterator[Row]]


def folded(row: Row) -> Folded:
    """The row's values with the names of their columns in lower case."""
    return {name.lower(): value for name, value in row.values.items()}


def first(values: Mapping[str, Any], names: Iterable[str]) -> Any:
    """The value of the first column that has one, or an empty string."""
    return next((values[name] for name in names if values.get(name)), "")


def product_row(row: Row, columns: Mapping[str, Any], fields: Mapping[str, Any]) -> Row:
    """A row with the export's own columns, and above them the product fields that have a value.

    The own columns stay, so that a field mapping can name them.
    """
    return Row(row.place, {**columns, **without_empty(fields)})


def without_empty(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that have a value."""
    return {name: value for name, value in fields.items() if value}


def prices(regular: Any, sale: Any, settings: IngestSettings) -> tuple[Any, dict[str, Any]]:
    """The price of a product with two, and the other one as an attribute."""
    if not sale or not regular:
        return regular or sale, {}
    if settings.sale_price == "price":
        return sale, {"regular price": regular}
    return regular, {"sale price": sale}


def listed(text: str) -> list[str]:
    """The items of a list that is separated by commas; one inside an item has a backslash."""
    items = (item.replace("\\,", ",").strip() for item in _UNESCAPED_COMMA.split(text))
    return [item for item in items if item]


def one_or_list(items: Sequence[str]) -> str | list[str]:
    """A single item as text."""
    return items[0] if len(items) == 1 else list(items)


def deepest_first(paths: Iterable[Sequence[str]]) -> list[list[str]]:
    """Category paths as lists of steps; the first one is the product's own category."""
    stripped = ([step.strip() for step in path] for path in paths)
    return sorted(stripped, key=len, reverse=True)[:_MAX_PATHS]


def brand_among(attributes: Mapping[str, Any]) -> str:
    """The brand of a platform that has none of its own: an attribute of that name, or nothing."""
    named = (value for name, value in attributes.items() if name.lower() in _BRAND)
    return str(next(named, ""))
