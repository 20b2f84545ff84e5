"""Shopify's products as JSON, from `/products.json` or its API: an object with its variants inside.

Each variant becomes a row like one of the CSV export, with the same id. The object's own keys stay,
without the list of variants; the variant's are below `variant`, e.g. `--map id=variant.sku`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from es_hybrid.settings import IngestSettings
from ingest.sources.exports.export import (
    Export,
    deepest_first,
    first,
    listed,
    product_row,
    without_empty,
)
from ingest.sources.exports.shopify import NOT_FOR_SALE, options_of, variant_id
from ingest.sources.source import Row

_COLUMNS = {
    "id": ("handle", "id"),
    "title": ("title",),
    "description": ("body_html", "description"),
    "brand": ("vendor",),
    "category": ("product_type",),
    "sku": ("variants",),
    "gtin": ("variants",),
    "price": ("variants",),
    "attributes": ("options", "tags"),
}
_LISTS = ("variants", "options", "images", "image", "media")
_TYPICAL = ("handle", "vendor", "product_type", "body_html")
# A variant that has one of these keys is something to buy.
_OF_VARIANT = {"price", "sku", "option1", "barcode"}


def _products(rows: Iterator[Row], settings: IngestSettings) -> Iterator[Row]:
    for row in rows:
        reason = "" if settings.unpublished == "load" else _not_for_sale(row.values)
        if row.problem or not row.values:
            yield row
        elif reason:
            yield Row(row.place, skipped=reason)
        else:
            yield from _variants(row)


def _variants(row: Row) -> Iterator[Row]:
    variants = _objects(row.values.get("variants"))
    own = {name: value for name, value in row.values.items() if name not in _LISTS}
    for number, variant in enumerate(variants or [{}], start=1):
        own_id = "" if len(variants) < 2 else str(first(variant, ("id", "sku")) or number)
        fields = _fields(row.values, variant, own_id)
        place = row.place if len(variants) < 2 else f"{row.place} variant {number}"
        yield product_row(Row(place), {**own, "variant": dict(variant)}, fields)


def _fields(product: Mapping[str, Any], variant: Mapping[str, Any], own_id: str) -> dict[str, Any]:
    kind = product.get("product_type")
    chosen = [str(variant.get(f"option{number}") or "") for number in (1, 2, 3)]
    handle = str(first(product, _COLUMNS["id"]))
    return {
        # Without options, variants differ by their own id only.
        "id": variant_id(handle, chosen if any(chosen) else [own_id]),
        **{name: first(product, _COLUMNS[name]) for name in ("title", "description", "brand")},
        "category": deepest_first([kind.split(">")] if isinstance(kind, str) and kind else []),
        "sku": variant.get("sku"),
        "gtin": variant.get("barcode"),
        "price": variant.get("price"),
        "attributes": without_empty(
            {
                "tags": _tags(product.get("tags")),
                "status": "" if _status(product) == "active" else _status(product),
                "compare-at price": variant.get("compare_at_price"),
                **options_of(_option_names(product), chosen),
            }
        ),
    }


def _option_names(product: Mapping[str, Any]) -> list[str]:
    names = [str(option.get("name") or "") for option in _objects(product.get("options"))]
    return [*names, "", "", ""][:3]


def _tags(value: Any) -> Any:
    """A list in `/products.json`, a text with commas in the API."""
    return listed(value) if isinstance(value, str) else value


def _status(product: Mapping[str, Any]) -> str:
    return str(product.get("status") or "active").lower()


def _not_for_sale(product: Mapping[str, Any]) -> str:
    if _status(product) in NOT_FOR_SALE:
        return _status(product)
    unpublished = "published_at" in product and product["published_at"] is None
    return "not published" if unpublished else ""


def _objects(value: Any) -> list[Mapping[str, Any]]:
    """The objects in a list, or nothing."""
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _recognizes(_: Set[str], values: Mapping[str, Any]) -> bool:
    variants = _objects(values.get("variants"))
    return (
        "title" in values
        and "price" not in values
        and not values.keys().isdisjoint(_TYPICAL)
        and any(_OF_VARIANT & variant.keys() for variant in variants)
    )


EXPORT = Export(
    name="shopify",
    label="Shopify's products.json",
    remedy="save SHOP/products.json",
    columns=_COLUMNS,
    recognizes=_recognizes,
    products=_products,
)
