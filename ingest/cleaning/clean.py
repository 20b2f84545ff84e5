"""A source row -> a `Product`, or a `RowError` that says what is wrong with which field."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import fields as dataclass_fields
from typing import Any

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.language import LANGUAGES
from es_hybrid.records import Product
from es_hybrid.settings import IngestSettings
from ingest.cleaning.language import normalize_tag
from ingest.cleaning.values import (
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
    version_of,
)
from ingest.sources import Row

PRODUCT_FIELDS = tuple(field.name for field in dataclass_fields(Product))
# Not of the product, but of the row: which of two rows of a product is the newer one.
VERSION = "version"


class Cleaner:
    """Makes products of rows, by the settings' field mapping.

    A product's field is taken from the row key that `ingest.fields` names, else from the key of
    its own name. Keys that are no product field are ignored. `version` may be mapped as well.
    """

    def __init__(self, settings: IngestSettings, *, languages: Set[str] = LANGUAGES) -> None:
        """Check the field mapping.

        Args:
            languages: The languages to choose from where a row names none.

        Raises:
            SettingsError: it names a field that products do not have, or `default_lang` is no
                language tag.
        """
        unknown = sorted(set(settings.fields) - {*PRODUCT_FIELDS, VERSION})
        if unknown:
            raise SettingsError(
                f"no such product field: {', '.join(unknown)}",
                place="ingest.fields",
                remedy="map one of " + ", ".join((*PRODUCT_FIELDS, VERSION)),
            )
        self._settings = settings
        self._languages = languages
        self.keys = {name: name for name in PRODUCT_FIELDS} | settings.fields
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
        """The id as `clean` takes it, right or wrong; empty where the row has none."""
        value = row.values.get(self.keys["id"])
        return "" if value is None else str(value).strip()

    def problem(self, row: Row, message: str, *, remedy: str, field: str = "") -> RowError:
        """The verdict on a row, naming it and, where one is at fault, the field."""
        key = self.keys.get(field, field)
        return RowError(
            message,
            remedy=remedy,
            place=row.place,
            sku=str(row.values.get(self.keys["sku"]) or ""),
            id=self.row_id(row),
            field=field,
            column=key if key != field else "",
        )

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
            raise self._rejected(row, problem) from None

    def version(self, row: Row) -> int | None:
        """The row's own version, >= 0, where `ingest.fields.version` maps one.

        Raises:
            RowError: it is mapped, and missing or none.
        """
        if VERSION not in self.keys:
            return None
        try:
            return version_of(row.values.get(self.keys[VERSION]))
        except FieldProblem as problem:
            raise self._rejected(row, problem) from None

    def _rejected(self, row: Row, problem: FieldProblem) -> RowError:
        return self.problem(row, problem.message, remedy=problem.remedy, field=problem.field)

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
            lang=lang_of(
                value("lang"), self._default_lang, title, description, among=self._languages
            ),
            attributes=attributes_of(value("attributes")),
        )
