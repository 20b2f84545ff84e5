"""WooCommerce's product export: a CSV in which variations name their parent.

Each variation becomes one row; it inherits from its parent what it leaves empty. The parent itself
is skipped if the file has a variation of it, wherever that is. A row has the export's own columns
and those of a product:

    id           the column ID
    category     the paths, the deepest first
    attributes   the attributes by name, tags, the second of the two prices, and the parent's SKU
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from typing import Any

from es_hybrid.settings import IngestSettings
from ingest.sources.exports.export import (
    Export,
    Folded,
    brand_among,
    deepest_first,
    first,
    folded,
    listed,
    one_or_list,
    prices,
    product_row,
    without_empty,
)
from ingest.sources.exports.shelf import Shelf
from ingest.sources.source import Row

_COLUMNS = {
    "id": ("id", "sku"),
    "title": ("name",),
    "description": ("description", "short description"),
    "brand": ("brands", "brand"),
    "category": ("categories",),
    "sku": ("sku",),
    "gtin": ("gtin, upc, ean, or isbn",),
    "price": ("regular price", "sale price"),
    "attributes": ("attribute 1 name", "tags"),
}
_TYPICAL = ("regular price", "visibility in catalog", "attribute 1 name")
_ATTRIBUTE = re.compile(r"attribute (\d+) name")
# Columns of plugins, such as `Meta: _alg_ean`.
_GTIN = re.compile(r"meta: .*(?:gtin|ean|upc|isbn|barcode|global_unique_id).*")
_NEWLINE = re.compile(r"(?<!\\)\\n")
_HAS_VARIATIONS = "variable product: its variations are products"
# The values of the column Published that hide a product; the others are 1 and empty.
_PUBLISHED = {"0": "private", "-1": "draft"}
_OWN = ("id", "type", "published", "parent", "sale price", "position", *_COLUMNS["gtin"])


def _products(rows: Iterator[Row], settings: IngestSettings) -> Iterator[Row]:
    with closing(Shelf()) as shelf:
        for row in rows:
            kinds = str(folded(row).get("type", "")).lower()
            if row.problem:
                yield row
            elif "variation" in kinds:
                yield from _variation(row, shelf, settings)
            elif "variable" in kinds:
                yield from _parent(row, shelf, settings)
            else:
                yield _row(row, settings)
        # Without variations, a variable product is a product like others; a variation without its
        # parent has a name of its own.
        for kind in ("childless", "waiting"):
            for row in shelf.rest(kind):
                yield _row(row, settings)


def _parent(row: Row, shelf: Shelf, settings: IngestSettings) -> Iterator[Row]:
    names = _names(row)
    for name in names:
        shelf.put("parent", name, row)
    children = [child for name in names for child in shelf.take("waiting", name)]
    if children:
        yield Row(row.place, skipped=_HAS_VARIATIONS)
    else:
        shelf.put("childless", names[0], row)
    for child in children:
        yield _child(child, row, settings)


def _variation(row: Row, shelf: Shelf, settings: IngestSettings) -> Iterator[Row]:
    name = str(folded(row).get("parent", ""))
    parent = shelf.get("parent", name)
    if parent is None:
        shelf.put("waiting", name, row)
        return
    for childless in shelf.take("childless", _names(parent)[0]):
        yield Row(childless.place, skipped=_HAS_VARIATIONS)
    yield _child(row, parent, settings)


def _names(parent: Row) -> list[str]:
    """What variations call their parent: its id as `id:12`, or its SKU."""
    values = folded(parent)
    named = (f"id:{values['id']}" if values.get("id") else "", str(values.get("sku", "")))
    return [name for name in named if name] or [""]


def _child(row: Row, parent: Row, settings: IngestSettings) -> Row:
    """A variation as a product, with the values of its parent where it has none."""
    of_parent = folded(parent)
    if reason := _not_for_sale(of_parent, settings):
        return Row(row.place, skipped=reason)
    inherited = {
        column: value
        for column, value in parent.values.items()
        if column.lower() not in _OWN and not column.lower().startswith(("attribute ", "meta: "))
    }
    attributes = {
        **_attributes(of_parent),
        "parent sku": of_parent.get("sku", ""),
        **_attributes(folded(row)),
    }
    return _row(Row(row.place, {**inherited, **row.values}), settings, attributes)


def _row(row: Row, settings: IngestSettings, attributes: Mapping[str, Any] | None = None) -> Row:
    """A product; with its own attributes unless others are given."""
    values = folded(row)
    if reason := _not_for_sale(values, settings):
        return Row(row.place, skipped=reason)
    own = _attributes(values) if attributes is None else attributes
    price, other = prices(values.get("regular price"), values.get("sale price"), settings)
    paths = (path.split(" > ") for path in listed(str(values.get("categories", ""))))
    tags = listed(str(values.get("tags", "")))
    fields = {
        "id": first(values, _COLUMNS["id"]),
        "title": values.get("name"),
        "description": _NEWLINE.sub("\n", str(first(values, _COLUMNS["description"]))),
        "brand": ", ".join(listed(str(first(values, _COLUMNS["brand"])))) or brand_among(own),
        "category": deepest_first(paths),
        "sku": values.get("sku"),
        "gtin": first(values, [*_COLUMNS["gtin"], *filter(_GTIN.fullmatch, values)]),
        "price": price,
        "attributes": without_empty({"tags": tags, **own, **other}),
    }
    return product_row(row, row.values, fields)


def _attributes(values: Folded) -> dict[str, Any]:
    """The attributes by name; several values as a list."""
    numbers = (_ATTRIBUTE.fullmatch(column) for column in values)
    return {
        str(values[number[0]]): one_or_list(items)
        for number in numbers
        if number and (items := listed(str(values.get(f"attribute {number[1]} value(s)", ""))))
    }


def _not_for_sale(values: Folded, settings: IngestSettings) -> str:
    """Why the product is left out: a few words, or none."""
    if settings.unpublished == "load":
        return ""
    hidden = str(values.get("visibility in catalog", "")).lower() == "hidden"
    return _PUBLISHED.get(str(values.get("published", "")), "hidden" if hidden else "")


def _recognizes(columns: Set[str], _: Mapping[str, Any]) -> bool:
    return columns >= {"type", "sku", "name"} and not columns.isdisjoint(_TYPICAL)


EXPORT = Export(
    name="woocommerce",
    label="WooCommerce's product export",
    remedy="export under Products > Export, in English",
    columns=_COLUMNS,
    recognizes=_recognizes,
    products=_products,
)
