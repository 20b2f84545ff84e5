"""A source row -> a `Product`, or a `RowError` that says what is wrong with which field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import Any

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.records import Product
from es_hybrid.settings import IngestSettings
from ingest.language import normalize_tag
from ingest.sources import Row
from ingest.values import (
    FieldProblem,
    attributes_of,
    category_of,
    currency_of,
    gtin_of,
    id_of,
    keyword_of,
    lang_of,
    price_of,
    text_of,
)

PRODUCT_FIELDS = tuple(field.name for field in dataclass_fields(Product))


class Cleaner:
    """Makes products of rows, by the settings' field mapping.

    A product's field is taken from the row key that `ingest.fields` names, else from the key of
    its own name. Keys that are no product field are ignored.
    """

    def __init__(self, settings: IngestSettings) -> None:
        """Check the field mapping.

        Raises:
            SettingsError: it names a field that products do not have, or `default_lang` is no
                language tag.
        """
        unknown = sorted(set(settings.fields) - set(PRODUCT_FIELDS))
        if unknown:
            raise SettingsError(
                f"no such product field: {', '.join(unknown)}",
                place="ingest.fields",
                remedy="map one of " + ", ".join(PRODUCT_FIELDS),
            )
        self._settings = settings
        self.keys = {name: settings.fields.get(name, name) for name in PRODUCT_FIELDS}
        try:
            self._default_lang = settings.default_lang and normalize_tag(settings.default_lang)
        except ValueError:
            raise SettingsError(
                f"{settings.default_lang!r} is no language tag",
                place="ingest.default_lang",
                remedy="write a BCP 47 tag such as en or zh-CN",
            ) from None

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The row keys a table must have: the id, the title, and each that a mapping names."""
        mapped = self._settings.fields.values()
        return tuple(dict.fromkeys((self.keys["id"], self.keys["title"], *mapped)))

    def row_id(self, row: Row) -> str:
        """The id as the row has it, for a message about the row; empty where it has none."""
        return str(row.values.get(self.keys["id"], ""))

    def clean(self, row: Row) -> Product:
        """The product of a row.

        Raises:
            RowError: the row cannot be read, or a field is missing or not allowed.
        """
        if row.problem:
            raise row.problem
        try:
            return self._product(row.values)
        except FieldProblem as problem:
            key = self.keys[problem.field]
            named = problem.field if key == problem.field else f"{problem.field} (from {key!r})"
            raise RowError(
                f"{named}: {problem.message}", place=row.place, remedy=problem.remedy
            ) from None

    def _product(self, values: Mapping[str, Any]) -> Product:
        settings, keys = self._settings, self.keys

        def value(field: str) -> Any:
            return values.get(keys[field])

        title = text_of("title", value("title"))
        if not title:
            missing = "missing" if value("title") is None else "blank once cleaned"
            raise FieldProblem("title", missing, "give every product a title")
        description = text_of("description", value("description"))
        price, currency = price_of(value("price"), settings.decimal_separator)
        return Product(
            id=id_of(value("id")),
            title=title,
            sku=keyword_of("sku", value("sku")),
            gtin=gtin_of(value("gtin")),
            description=description,
            brand=keyword_of("brand", value("brand")),
            category=category_of(value("category"), settings.category_separator),
            price=price,
            currency=currency_of(value("currency"), currency, price, settings.default_currency),
            lang=lang_of(value("lang"), self._default_lang, title, description),
            attributes=attributes_of(value("attributes")),
        )
