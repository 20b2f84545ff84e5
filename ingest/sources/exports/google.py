"""Google Merchant's product feed, as a table or as XML (RSS or Atom): one product in each row.

The fields that are not a column of the same name:

    category     the shop's own `product_type`, else `google_product_category` if it is a path
    sku          `mpn`
    attributes   `item_group_id`, `availability`, `condition`, colour, size and so on, the pairs of
                 `product_detail`, and the second of the two prices
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from es_hybrid.settings import IngestSettings
from ingest.sources.exports.export import (
    Export,
    Folded,
    deepest_first,
    listed,
    prices,
    product_row,
)
from ingest.sources.source import Row

_COLUMNS = {
    "id": ("id",),
    "title": ("title",),
    "description": ("description",),
    "brand": ("brand",),
    "category": ("product_type", "google_product_category"),
    "sku": ("mpn",),
    "gtin": ("gtin",),
    "price": ("price", "sale_price"),
    "attributes": (
        "item_group_id", "availability", "condition", "color", "size", "gender", "age_group",
        "material", "pattern", "size_type", "size_system", "energy_efficiency_class",
        "unit_pricing_measure", "multipack",
    ),
}  # fmt: skip
# Attributes that other feeds rarely name so; a product in XML need not have all of them.
_TYPICAL = {
    "link", "image_link", "additional_image_link", "availability", "google_product_category",
    "condition", "item_group_id", "identifier_exists", "shipping",
}  # fmt: skip
_ENOUGH = 2
_DETAIL = ("section_name", "attribute_name", "attribute_value")


def _products(rows: Iterator[Row], settings: IngestSettings) -> Iterator[Row]:
    for row in rows:
        if row.problem:
            yield row
        else:
            values = _named(row)
            yield product_row(row, row.values, _fields(values, settings))


def _fields(values: Folded, settings: IngestSettings) -> dict[str, Any]:
    price, other = prices(values.get("price"), values.get("sale_price"), settings)
    attributes = {name: values[name] for name in _COLUMNS["attributes"] if values.get(name)}
    fields = {name: values.get(name) for name in ("id", "title", "description", "brand", "gtin")}
    return {
        **fields,
        "category": _categories(values),
        "sku": values.get("mpn"),
        "price": price,
        "attributes": {**_details(values.get("product_detail")), **attributes, **other},
    }


def _categories(values: Folded) -> list[list[str]]:
    """The paths. Google's own categories may be numbers, which say nothing to a shopper."""
    for name in _COLUMNS["category"]:
        found = values.get(name)
        paths = found if isinstance(found, list) else listed(str(found or ""))
        if named := [str(path).split(">") for path in paths if not str(path).isdigit()]:
            return deepest_first(named)
    return []


def _details(value: Any) -> dict[str, str]:
    """`Section:Name:Value` in a table, an object in XML; several of them in a list."""
    found: dict[str, str] = {}
    for detail in value if isinstance(value, list) else listed(str(value or "")):
        if isinstance(detail, Mapping):
            _, name, text = (str(detail.get(part, "")) for part in _DETAIL)
        else:
            _, _, rest = str(detail).partition(":")
            name, _, text = rest.partition(":")
        found |= {name.strip(): text.strip()} if name and text else {}
    return found


def _named(row: Row) -> Folded:
    return {_plain(name): value for name, value in row.values.items()}


def _plain(name: str) -> str:
    """`g:Image link` as `image_link`."""
    return name.lower().removeprefix("g:").strip().replace(" ", "_")


def _recognizes(columns: Set[str], _: Mapping[str, Any]) -> bool:
    names = frozenset(map(_plain, columns))
    return names >= {"id", "title"} and len(names & _TYPICAL) >= _ENOUGH


EXPORT = Export(
    name="google",
    label="Google Merchant's product feed",
    remedy="name the columns as Google's product data specification does",
    columns=_COLUMNS,
    recognizes=_recognizes,
    products=_products,
)
