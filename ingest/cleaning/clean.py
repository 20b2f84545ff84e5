"""A source row -> a `Product`, or a `RowError` that names the field and the problem."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeAlias, TypeVar

from es_hybrid.errors import RowError, SettingsError
from es_hybrid.language import LANGUAGES, normalize_tag
from es_hybrid.records import PRODUCT_FIELDS, Product
from es_hybrid.settings import Settings
from ingest.cleaning.attributes import attributes_of
from ingest.cleaning.category import Path, paths_of
from ingest.cleaning.given import given, given_title
from ingest.cleaning.gtin import gtins_of
from ingest.cleaning.problems import FieldProblem, FieldWarning, Warn
from ingest.cleaning.text import keyword_of, text_of
from ingest.cleaning.values import (
    check_currencies,
    currency_of,
    detected_lang,
    id_of,
    lang_of,
    price_of,
    sku_of,
    version_of,
)
from ingest.sources import Row

# A field of the row, not of the product: it decides which of two rows of a product is newer.
VERSION = "version"

_Value = TypeVar("_Value")
_Read: TypeAlias = Callable[[Any, Warn], _Value]
_brand_of = partial(keyword_of, "brand")
_description_of = partial(text_of, "description")


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
        self._paths_of: _Read[tuple[Path, ...]] = partial(paths_of, ingest.category_separator)
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
        value = given(row.values.get(self.keys["id"]))
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
            RowError: the row cannot be read, or has no usable id or title; or no usable price, if
                `ingest.bad_price` says so.
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
        keys, default_currency = self.keys, self._settings.default_currency
        raw = {field: given(values.get(keys[field])) for field in PRODUCT_FIELDS}
        title = _title_of(values.get(keys["title"]), warn)
        description = _usable(_description_of, raw["description"], warn, "")
        own_currency = _usable(currency_of, raw["currency"], warn, "")
        price, of_price = self._price(raw["price"], own_currency, warn)
        paths: tuple[Path, ...] = _usable(self._paths_of, raw["category"], warn, ())
        return Product(
            id=id_of(raw["id"]),
            title=title,
            sku=_usable(sku_of, raw["sku"], warn, ""),
            gtin=_usable(gtins_of, raw["gtin"], warn, ()),
            description=description,
            brand=_usable(_brand_of, raw["brand"], warn, ""),
            category=paths[0] if paths else (),
            other_categories=paths[1:],
            price=price,
            currency=own_currency or of_price or (default_currency if price is not None else ""),
            lang=_usable(lang_of, raw["lang"], warn, "")
            or self._default_lang
            or detected_lang(title, description, self._languages),
            attributes=_usable(attributes_of, raw["attributes"], warn, {}),
        )

    def _price(self, value: Any, currency: str, warn: Warn) -> tuple[float | None, str]:
        """The amount and the currency that its text names; none with a warning if it is unclear."""
        if value is None:
            return None, ""
        try:
            price, of_price = price_of(value, self._settings.decimal_separator)
            check_currencies(currency, of_price)
        except FieldProblem as problem:
            if self._settings.bad_price == "reject":
                raise
            warn(problem.warning)
            return None, ""
        return price, of_price


def _title_of(value: Any, warn: Warn) -> str:
    value = given_title(value)
    title = text_of("title", value, warn)
    if not title:
        missing = "missing" if value is None else "blank after cleaning"
        raise FieldProblem("title", "missing", missing, "give every product a title")
    return title


def _usable(read: _Read[_Value], value: Any, warn: Warn, absent: _Value) -> _Value:
    """What `read` makes of a value; `absent`, with a warning, if it can make nothing of it."""
    if value is None:
        return absent
    try:
        return read(value, warn)
    except FieldProblem as problem:
        warn(problem.warning)
        return absent
