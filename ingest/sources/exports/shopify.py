"""Shopify's product export: a CSV in which several rows describe one product.

The first row of a handle contains the product; each row contains a variant or only another image.
Each variant becomes one row, because it has the SKU, the price and the barcode; it inherits the
values of the product's first row. A row has the export's own columns and those of a product, so
that no field mapping is needed:

    id           handle and option values: `classic-vest/S/Blue`; unique by Shopify's rules
    attributes   options by name, product metafields, tags; the status, unless it is `active`

Rows that only contain an image are skipped and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ingest.sources.source import Row, unreadable

PRODUCED = ["id", "title", "description", "brand", "category", "attributes", "sku", "gtin", "price"]

# Names in the export in lower case, because their case has changed; the older name first.
_HANDLE = ("handle", "url handle")
_OF_PRODUCT = {
    "title": ("title",),
    "description": ("body (html)", "description"),
    "brand": ("vendor",),
}
_OF_VARIANT = {
    "sku": ("variant sku", "sku"),
    "gtin": ("variant barcode", "barcode"),
    "price": ("variant price", "price"),
}
_CATEGORY = ("product category", "type")
_OPTIONS = [(f"option{number} name", f"option{number} value") for number in (1, 2, 3)]
_METAFIELD = re.compile(r"(.+?) \(product\.metafields\..+\)")
# The option value of a product without options.
_NO_OPTION = "Default Title"


def variants(rows: Iterator[Row], header: Sequence[str]) -> Iterator[Row]:
    """One row for each variant; rows with a problem unchanged."""
    columns = {name.lower(): name for name in header}
    product: dict[str, str] = {}
    options: list[str] = []
    for row in rows:
        if row.problem:
            yield row
            continue
        values = {name: str(row.values[column]) for name, column in columns.items()
                  if column in row.values}  # fmt: skip
        begins = "title" in values
        if begins:
            product, options = values, [values.get(name, "") for name, _ in _OPTIONS]
        elif _first(values, _HANDLE) != _first(product, _HANDLE):
            yield unreadable(
                row.place,
                f"the product {_first(values, _HANDLE)!r} has no row with a title before this one",
                remedy="keep the rows of a handle together, in the order of the export",
                raw=", ".join(values.values()),
            )
            continue
        elif not _is_variant(values):
            yield Row(row.place, skipped="another image")
            continue
        own = _variant(product, values, options, columns)
        yield Row(row.place, {**_inherited(product, columns), **row.values, **own})


def _variant(
    product: Mapping[str, str],
    values: Mapping[str, str],
    options: Sequence[str],
    columns: Mapping[str, str],
) -> dict[str, Any]:
    """The row's values under the names of product fields."""
    chosen = {
        name: values[value]
        for name, (_, value) in zip(options, _OPTIONS, strict=True)
        if name and values.get(value, _NO_OPTION) != _NO_OPTION
    }
    category = _first(product, _CATEGORY)
    made: dict[str, Any] = {
        "id": "/".join([_first(product, _HANDLE), *chosen.values()]),
        "category": [step.strip() for step in category.split(">")] if category else None,
        "attributes": {**_metafields(product, columns), **_extras(product), **chosen},
    }
    made |= {name: _first(product, columns) for name, columns in _OF_PRODUCT.items()}
    made |= {name: _plain(_first(values, columns)) for name, columns in _OF_VARIANT.items()}
    return {name: value for name, value in made.items() if value}


def _is_variant(values: Mapping[str, str]) -> bool:
    names = [*_OF_VARIANT["sku"], *_OF_VARIANT["price"], *(value for _, value in _OPTIONS)]
    return any(name in values for name in names)


def _metafields(product: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    found = ((_METAFIELD.fullmatch(columns[name]), value) for name, value in product.items())
    return {match[1]: value for match, value in found if match}


def _extras(product: Mapping[str, str]) -> dict[str, str]:
    status = product.get("status", "active")
    extras = {
        "tags": product.get("tags", ""),
        "status": "" if status.lower() == "active" else status,
    }
    return {name: value for name, value in extras.items() if value}


def _inherited(product: Mapping[str, str], columns: Mapping[str, str]) -> dict[str, str]:
    """The columns of the product's first row that apply to all its variants."""
    own = {name for names in _OF_VARIANT.values() for name in names}
    return {
        columns[name]: value
        for name, value in product.items()
        if name not in own and not name.startswith(("variant ", "option", "image "))
    }


def _first(values: Mapping[str, str], names: Sequence[str]) -> str:
    return next((values[name] for name in names if name in values), "")


def _plain(value: str) -> str:
    """Without the apostrophe that stops spreadsheets from reading digits as a number."""
    return value[1:] if re.fullmatch(r"'\d+", value) else value
