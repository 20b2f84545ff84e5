"""A source row -> a `Product`, or a `RowError` that names the field and the problem."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields as dataclass_fields
from typing import Any, NamedTuple

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.language import LANGUAGES, normalize_tag
from es_hybrid.records import Product
from es_hybrid.settings import Settings
from ingest.cleaning.problems import FieldProblem, FieldWarning, Warn
from ingest.cleaning.values import (
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
# A field of the row, not of the product: it decides which of two rows of a product is newer.
VERSION = "version"


class Cleaned(NamedTuple):
    """A product, and what was left out of its row or altered."""

    product: Product
    warnings: tuple[FieldWarning, ...]


class Cleaner:
    """Turns rows into products, using the configured field mapping.

    A product field is read from the row key that `ingest.fields` names, else from the key with the
    field's own name; from none if it names an empty one. Other keys are ignored. `version` may be
    mapped as well.
    """

    def __init__(self, settings: Settings) -> None:
        """Check the field mapping.

        Raises:
            SettingsError: it names a field that products do not have, or `default_lang` is not a
                language tag.
        """
        ingest, index = settings.ingest, settings.index
        unknown = sorted(set(ingest.fields) - {*PRODUCT_FIELDS, VERSION})
        if unknown:
            raise SettingsError(
                f"no such product field: {', '.join(unknown)}",
                place="ingest.fields",
                remedy="map one of " + ", ".join((*PRODUCT_FIELDS, VERSION)),
            )
        lacking = [name for name in ("id", "title") if ingest.fields.get(name) == ""]
        if lacking:
            raise SettingsError(
                f"no product can do without {' and '.join(lacking)}",
                place="ingest.fields",
                remedy="name the column, or remove the line",
            )
        self._settings = ingest
        # The setting also has a default, for analyzers; it is shorter than the list of languages.
        chosen = "languages" in index.model_fields_set
        self._languages = frozenset(index.languages) if chosen else LANGUAGES
        self.keys = {name: name for name in PRODUCT_FIELDS} | ingest.fields
        try:
            self._default_lang = ingest.default_lang and normalize_tag(ingest.default_lang)
        except ValueError:
            raise SettingsError(
                f"{ingest.default_lang!r} is not a language tag",
                place="ingest.default_lang",
                remedy="use a BCP 47 tag such as en or zh-CN",
            ) from None

    @property
    def required_columns(self) -> tuple[str, ...]:
        """The columns that a table must have: the id, the title, and every mapped one."""
        mapped = filter(None, self._settings.fields.values())
        return tuple(dict.fromkeys((self.keys["id"], self.keys["title"], *mapped)))

    def row_id(self, row: Row) -> str:
        """The id as `clean` reads it, valid or not; empty if the row has none."""
        value = row.values.get(self.keys["id"])
        return "" if value is None else str(value).strip()

    def problem(self, row: Row, message: str, *, remedy: str, field: str = "") -> RowError:
        """An error that names the row and, if there is one, the field."""
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

    def clean(self, row: Row) -> Cleaned:
        """The product of a row, with warnings.

        Raises:
            RowError: the row cannot be read, or a field is missing or invalid.
        """
        if row.problem:
            raise row.problem
        warnings: list[FieldWarning] = []
        try:
            return Cleaned(self._product(row.values, warnings.append), tuple(warnings))
        except FieldProblem as problem:
            raise self._rejected(row, problem) from None

    def version(self, row: Row) -> int | None:
        """The row's own version, >= 0, or None if `ingest.fields.version` is not set.

        Raises:
            RowError: the mapped version is missing or invalid.
        """
        if VERSION not in self.keys:
            return None
        try:
            return version_of(row.values.get(self.keys[VERSION]))
        except FieldProblem as problem:
            raise self._rejected(row, problem) from None

    def _rejected(self, row: Row, problem: FieldProblem) -> RowError:
        return self.problem(row, problem.message, remedy=problem.remedy, field=problem.field)

    def _product(self, values: Mapping[str, Any], warn: Warn) -> Product:
        settings = self._settings
        raw = {field: values.get(self.keys[field]) for field in PRODUCT_FIELDS}
        title = text_of("title", raw["title"])
        if not title:
            missing = "missing" if raw["title"] is None else "blank after cleaning"
            raise FieldProblem("title", missing, "give every product a title")
        description = text_of("description", raw["description"])
        price, currency = price_of(raw["price"], settings.decimal_separator)
        return Product(
            id=id_of(raw["id"]),
            title=title,
            sku=keyword_of("sku", raw["sku"]),
            gtin=gtin_of(raw["gtin"]),
            description=description,
            brand=keyword_of("brand", raw["brand"]),
            category=category_of(raw["category"], settings.category_separator),
            price=price,
            currency=currency_of(raw["currency"], currency, price, settings.default_currency),
            lang=lang_of(raw["lang"], self._default_lang, title, description, self._languages),
            attributes=attributes_of(raw["attributes"]),
        )
