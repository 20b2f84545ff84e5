"""Magento's product export: a CSV in which a row translates a product, or lists its variants.

A row with a store view translates the product of its SKU: it becomes a product of its own, with the
default row's values where it has none. A row without any text of its own translates nothing and is
skipped. Variants that are not visible individually inherit from the configurable product that lists
them, wherever it is; that is skipped if one of its variants is in the file. A row has the export's
own columns and those of a product:

    id           the SKU; of a translation, SKU and store view: `24-MB01/de`
    category     the paths without the root, the deepest first
    lang         from the store view, if its code names a language
    attributes   `additional_attributes`, the second of the two prices, the parent's SKU
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Set
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from es_hybrid.language import LANGUAGES
from es_hybrid.settings import IngestSettings
from ingest.sources.exports.export import (
    Export,
    brand_among,
    deepest_first,
    first,
    one_or_list,
    prices,
    product_row,
    without_empty,
)
from ingest.sources.exports.shelf import Shelf
from ingest.sources.source import Row

_COLUMNS = {
    "id": ("sku",),
    "title": ("name",),
    "description": ("description", "short_description"),
    "brand": ("manufacturer", "brand"),
    "category": ("categories",),
    "sku": ("sku",),
    "gtin": ("gtin", "ean", "upc", "barcode", "isbn"),
    "price": ("price", "special_price"),
    "lang": ("store_view_code",),
    "attributes": ("additional_attributes",),
}
_TEXTS = ("name", "description", "short_description")
_TYPICAL = {
    "store_view_code", "attribute_set_code", "additional_attributes", "configurable_variations",
}  # fmt: skip
_ROOTS = ("Default Category", "Root Catalog")
# Values of the columns visibility and product_online (status in Magento 1) that hide a product.
_NOT_VISIBLE = ("not visible individually", "1")
_DISABLED = ("2", "0", "disabled")
_HAS_VARIANTS = "configurable product: its variants are products"
# What a variant does not inherit; it has an SKU and a visibility of its own.
_OF_PARENT = ("product_type", "gtin", "url_key", "configurable_variations",
              "configurable_variation_labels")  # fmt: skip
# A pair, up to the comma before the next one: values may have commas, in quotes or not.
_PAIR = re.compile(r"""(?:^|,)\s*(\w+)=("(?:[^"]|"")*"|.*?)(?=,\s*\w+=|\Z)""", re.DOTALL)
_STEP = re.compile(r"(?<!\\)/")


def _products(rows: Iterator[Row], settings: IngestSettings) -> Iterator[Row]:
    with closing(Shelf()) as shelf:
        reading = _Reading(shelf, settings)
        for row in rows:
            if row.problem:
                yield row
            else:
                yield from reading.products(row)
        yield from reading.rest()


@dataclass(frozen=True, slots=True)
class _Reading:
    """An export that is being read.

    On the shelf are, by SKU: `default`, what translations inherit from; `configurable`, what
    variants inherit from; `link`, a variant's options and the SKU of its configurable product; and
    rows that wait for one that may come: `translation` for the default row, `variant` for its link,
    `childless` for a variant.
    """

    shelf: Shelf
    settings: IngestSettings

    def products(self, row: Row) -> Iterator[Row]:
        """What a row makes, and the rows that waited for it."""
        values = row.values
        if values.get("store_view_code"):
            yield from self._translation(row)
        elif values.get("configurable_variations"):
            yield from self._configurable(row)
        elif not values.get("sku") and not values.get("name"):
            yield Row(row.place, skipped="continues the row above")
        elif str(values.get("visibility", "")).lower() in _NOT_VISIBLE:
            yield from self._variant(row)
        else:
            yield from self._default(row)

    def rest(self) -> Iterator[Row]:
        """What the rows make that waited in vain."""
        for row in self.shelf.rest("childless"):
            yield from self._default(row)
        for row in self.shelf.rest("variant"):
            yield from self._default(row, alone=False)
        for row in self.shelf.rest("translation"):
            yield self._product(row)

    def _default(
        self, row: Row, *, alone: bool = True, has_variants: bool = False
    ) -> Iterator[Row]:
        """A row without a store view, and its translations so far.

        Args:
            alone: Whether the shop shows it; it does not show a variant without its parent.
            has_variants: Whether its variants are products in its place.
        """
        if has_variants:
            reason = _HAS_VARIANTS
        elif self.settings.unpublished == "load":
            reason = ""
        elif _is_disabled(row):
            reason = "disabled"
        else:
            reason = "" if alone else "not visible individually"
        self.shelf.put("default", _sku(row), Row(row.place, row.values, skipped=reason))
        yield Row(row.place, skipped=reason) if reason else self._product(row)
        for translation in self.shelf.take("translation", _sku(row)):
            yield self._translated(translation, row, reason)

    def _translation(self, row: Row) -> Iterator[Row]:
        default = self.shelf.get("default", _sku(row))
        if default is None:
            self.shelf.put("translation", _sku(row), row)
        else:
            yield self._translated(row, default, default.skipped)

    def _translated(self, row: Row, default: Row, skipped: str) -> Row:
        if not skipped and not first(row.values, _TEXTS):
            skipped = "store view without a text of its own"
        if skipped:
            return Row(row.place, skipped=skipped)
        return self._product(Row(row.place, {**default.values, **row.values}))

    def _configurable(self, row: Row) -> Iterator[Row]:
        # Each variant reads it, so it must not list them all.
        inherited = {name: value for name, value in row.values.items() if name not in _OF_PARENT}
        parent = Row(row.place, inherited)
        self.shelf.put("configurable", _sku(row), parent)
        variants: list[tuple[Row, Row]] = []
        for variation in _variations(row):
            link = Row(row.place, {**variation, "parent sku": _sku(row)})
            self.shelf.put("link", variation["sku"], link)
            variants += [(each, link) for each in self.shelf.take("variant", variation["sku"])]
        if not variants:
            self.shelf.put("childless", _sku(row), row)
            return
        yield from self._default(row, has_variants=True)
        for variant, link in variants:
            yield from self._default(_inheriting(variant, parent, link))

    def _variant(self, row: Row) -> Iterator[Row]:
        link = self.shelf.get("link", _sku(row))
        parent = link and self.shelf.get("configurable", link.values["parent sku"])
        if link is None or parent is None:
            self.shelf.put("variant", _sku(row), row)
            return
        for childless in self.shelf.take("childless", _sku(parent)):
            yield from self._default(childless, has_variants=True)
        yield from self._default(_inheriting(row, parent, link))

    def _product(self, row: Row) -> Row:
        """The row with the product fields."""
        values = row.values
        view = str(values.get("store_view_code", ""))
        attributes = _pairs(values.get("additional_attributes"))
        price, other = prices(values.get("price"), values.get("special_price"), self.settings)
        fields = {
            "id": "/".join(filter(None, (_sku(row), view))),
            "title": values.get("name"),
            "description": first(values, _COLUMNS["description"]),
            "brand": first(values, _COLUMNS["brand"]) or brand_among(attributes),
            "category": deepest_first(_paths(str(values.get("categories", "")))),
            "sku": _sku(row),
            "gtin": first({**attributes, **values}, _COLUMNS["gtin"]),
            "price": price,
            "lang": _language(view),
            "attributes": without_empty({**attributes, **other}),
        }
        return product_row(row, values, fields)


def _inheriting(row: Row, parent: Row, link: Row) -> Row:
    """A variant with its options, and the values of its configurable product where it has none."""
    attributes = {
        **_pairs(parent.values.get("additional_attributes")),
        **{name: value for name, value in link.values.items() if name != "sku"},
        **_pairs(row.values.get("additional_attributes")),
    }
    merged = {**parent.values, **row.values, "additional_attributes": attributes}
    return Row(row.place, merged | ({"product_online": "2"} if _is_disabled(parent) else {}))


def _sku(row: Row) -> str:
    return str(row.values.get("sku", ""))


def _is_disabled(row: Row) -> bool:
    return str(first(row.values, ("product_online", "status"))).lower() in _DISABLED


def _variations(row: Row) -> list[dict[str, str]]:
    """`sku=A-S,size=S|sku=A-M,size=M` as dicts that have at least an SKU."""
    parts = str(row.values.get("configurable_variations", "")).split("|")
    found = ({name: str(value) for name, value in _pairs(part).items()} for part in parts)
    return [each for each in found if each.get("sku")]


def _pairs(value: Any) -> dict[str, Any]:
    """`color=Red,care="cold, by hand",sport=Yoga|Gym`; several values as a list."""
    if isinstance(value, Mapping):  # of a variant, merged already
        return dict(value)
    found = {}
    for name, text in _PAIR.findall(str(value or "")):
        quoted = text.startswith('"') and text.endswith('"') and len(text) > 1
        whole = text[1:-1].replace('""', '"') if quoted else text
        if items := [item.strip() for item in whole.split("|") if item.strip()]:
            found[name] = one_or_list(items)
    return found


def _paths(cell: str) -> list[list[str]]:
    """`Default Category/Men/Tops,Default Category/Sale` as lists of steps without the root."""
    paths = ([step.replace("\\/", "/").strip() for step in _STEP.split(path)]
             for path in cell.split(","))  # fmt: skip
    inside = (path[1:] if path[0] in _ROOTS else path for path in paths)
    return [path for path in inside if any(path)]


def _language(view: str) -> str:
    """The language that a store view's code names, as `de`, `de_ch` or `ch_de`, or none."""
    parts = re.split("[-_]", view.lower())
    named = [part for part in parts if part in LANGUAGES]
    return named[0] if len(named) == 1 else ""


def _recognizes(columns: Set[str], _: Mapping[str, Any]) -> bool:
    typical = not columns.isdisjoint(_TYPICAL) or columns >= {"product_type", "categories"}
    return typical and columns >= {"sku", "name"}


EXPORT = Export(
    name="magento",
    label="Magento's product export",
    remedy="export under System > Data Transfer > Export, entity type Products",
    columns=_COLUMNS,
    recognizes=_recognizes,
    products=_products,
)
