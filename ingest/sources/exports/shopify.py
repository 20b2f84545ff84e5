r"""Shopify's product export: a CSV in which several rows describe one product.

The first row of a handle contains the product; each row contains a variant or only another image.
Each variant becomes one row, because it has the SKU, the price and the barcode; it inherits the
values of the product's first row. A title in a later row of the handle begins no other product:
spreadsheets fill the product's columns down. A row has the export's own columns and those of a
product, so that no field mapping is needed:

    id           handle and option values: `classic-vest/S/Blue`; unique by Shopify's rules. In
                 them, a slash is written `\/` and a backslash `\\`.
    attributes   options by name, product metafields, tags, the compare-at price; the status, unless
                 it is `active`

Rows that only contain an image are skipped and counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from es_hybrid.settings import IngestSettings
from ingest.sources.exports.export import (
    Export,
    Folded,
    deepest_first,
    first,
    folded,
    listed,
    product_row,
    without_empty,
)
from ingest.sources.exports.shelf import Shelf
from ingest.sources.source import Row, unreadable

# The older name first.
_HANDLE = ("handle", "url handle")
_COLUMNS: Mapping[str, Sequence[str]] = {
    "id": _HANDLE,
    "title": ("title",),
    "description": ("body (html)", "description"),
    "brand": ("vendor",),
    "category": ("product category", "type"),
    "sku": ("variant sku", "sku"),
    "gtin": ("variant barcode", "barcode"),
    "price": ("variant price", "price"),
    "attributes": ("option1 value", "tags"),
}
_OF_VARIANT = [*_COLUMNS["sku"], *_COLUMNS["gtin"], *_COLUMNS["price"]]
_COMPARED = ("variant compare at price", "compare-at price", "compare at price")
_IMAGE = ("image src", "product image url", "variant image")
_PUBLISHED = ("published", "published on online store")
_OPTIONS = [(f"option{number} name", f"option{number} value") for number in (1, 2, 3)]
_METAFIELD = " (product.metafields."
# The option value of a product without options.
NO_OPTION = "Default Title"
# Statuses of products that are not for sale.
NOT_FOR_SALE = ("draft", "archived", "unlisted")


@dataclass
class _Product:
    """The product of a handle.

    Attributes:
        row: Its first row.
        variants: The variants so far, by id.
    """

    row: Row
    values: Folded
    variants: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def handle(self) -> str:
        return str(first(self.values, _HANDLE))


def _products(rows: Iterator[Row], settings: IngestSettings) -> Iterator[Row]:
    product: _Product | None = None
    with closing(Shelf()) as shelf:
        for row in rows:
            if row.problem:
                yield row
                continue
            values = folded(row)
            handle = str(first(values, _HANDLE))
            if product is None or not handle or handle != product.handle:
                if product is not None:
                    shelf.put("product", product.handle, product.row)
                known = shelf.take("product", handle) if handle else []
                if not known and "title" not in values:
                    shelf.put("waiting", handle, row)
                    product = None
                    continue
                base = known[-1] if known else row
                product = _Product(base, folded(base))
                yield from (
                    _row(product, early, folded(early), settings)
                    for early in (shelf.take("waiting", handle) if handle else ())
                )
            yield _row(product, row, values, settings)
        yield from map(_orphan, shelf.rest("waiting"))


def _row(product: _Product, row: Row, values: Folded, settings: IngestSettings) -> Row:
    """The variant of a row, or the reason why it has none."""
    if not _is_variant(values) and row.place != product.row.place:
        return Row(row.place, skipped="another image")
    reason = "" if settings.unpublished == "load" else _not_for_sale(product.values)
    if reason:
        return Row(row.place, skipped=reason)
    fields = _fields(product, values)
    known = product.variants.setdefault(fields["id"], fields)
    if known is not fields and known == fields and first(values, _IMAGE):
        return Row(row.place, skipped="another image")
    return product_row(row, {**_inherited(product.row), **row.values}, fields)


def _orphan(row: Row) -> Row:
    handle = first(folded(row), _HANDLE)
    return unreadable(
        row.place,
        f"the product {handle!r} has no row with a title" if handle else "the row has no handle",
        remedy="export the products again, with all their rows",
        raw=", ".join(map(str, row.values.values())),
    )


def _fields(product: _Product, values: Folded) -> dict[str, Any]:
    """The row's values under the names of product fields."""
    shared = product.values
    chosen = [str(values.get(value, "")) for _, value in _OPTIONS]
    names = [str(values.get(name) or shared.get(name, "")) for name, _ in _OPTIONS]
    category = str(first(shared, _COLUMNS["category"]))
    fields = {name: first(shared, _COLUMNS[name]) for name in ("title", "description", "brand")}
    fields |= {name: first(values, _COLUMNS[name]) for name in ("sku", "gtin", "price")}
    return {
        "id": variant_id(product.handle, chosen),
        **fields,
        "category": deepest_first([category.split(">")] if category else []),
        "attributes": {
            **_metafields(product.row),
            **_extras(shared, values),
            **options_of(names, chosen),
        },
    }


def variant_id(handle: str, options: Sequence[str]) -> str:
    """Handle and option values, e.g. `vest/S/Blue`; empty without a handle."""
    kept = ["" if value == NO_OPTION else value for value in options]
    while kept and not kept[-1]:
        kept.pop()
    return "/".join(map(_escaped, (handle, *kept))) if handle else ""


def options_of(names: Sequence[str], values: Sequence[str]) -> dict[str, str]:
    """The chosen options by name; an option without a name gets its number."""
    return {
        name or f"option {number}": value
        for number, (name, value) in enumerate(zip(names, values, strict=True), start=1)
        if value and value != NO_OPTION
    }


def _escaped(part: str) -> str:
    return part.replace("\\", "\\\\").replace("/", "\\/")


def _is_variant(values: Folded) -> bool:
    return any(
        name in values
        for name in (*_COLUMNS["sku"], *_COLUMNS["price"], *(value for _, value in _OPTIONS))
    )


def _not_for_sale(product: Folded) -> str:
    """Why the product cannot be bought: a few words, or none."""
    status = str(product.get("status", "")).lower()
    if status in NOT_FOR_SALE:
        return status
    return "not published" if str(first(product, _PUBLISHED)).lower() == "false" else ""


def _metafields(product: Row) -> dict[str, str]:
    return {
        name.partition(_METAFIELD)[0]: value
        for name, value in product.values.items()
        if _METAFIELD in name
    }


def _extras(product: Folded, values: Folded) -> dict[str, Any]:
    status = str(product.get("status", "active"))
    extras = {
        "tags": listed(str(product.get("tags", ""))),
        "status": "" if status.lower() == "active" else status,
        "compare-at price": first(values, _COMPARED),
    }
    return without_empty(extras)


def _inherited(row: Row) -> dict[str, Any]:
    """The columns of the product's first row that apply to all its variants."""
    return {
        column: value
        for column, value in row.values.items()
        if (name := column.lower()) not in _OF_VARIANT
        and not name.startswith(("variant ", "option", "image "))
    }


def _recognizes(columns: Set[str], _: Mapping[str, Any]) -> bool:
    needed = {"title", "option1 name", "option1 value"}
    return columns >= needed and not columns.isdisjoint(_HANDLE)


EXPORT = Export(
    name="shopify",
    label="Shopify's product export",
    remedy="export under Products > Export",
    columns=_COLUMNS,
    recognizes=_recognizes,
    products=_products,
)
