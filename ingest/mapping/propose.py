"""Assigns columns to fields by their names and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.cleaning.price import DecimalSeparator
from ingest.mapping.columns import Column, is_currency, is_gtin, is_language, is_url
from ingest.mapping.names import FIELDS, name_score
from ingest.sources.exports.export import Export

# Share of values that must fit the field that the name suggests.
_SHARE_WITH_NAME = 0.8
# The same for prices and trade item numbers: a load leaves out those that are not.
_USEFUL_SHARE = 0.2
# A column with fewer usable values is chosen only if no other one fits.
_MOSTLY_EMPTY = 0.5
# An id may occur twice by mistake.
_UNIQUE_SHARE = 0.95
# A name that fits less well beats a better one if its values are paths.
_BONUS_OF_PATHS = 0.5
_KINDS_OF_PRODUCTS = (
    "simple", "configurable", "variable", "variation", "grouped", "bundle", "virtual", "external",
    "downloadable",
)  # fmt: skip
# Share of values that must fit if the name suggests no field.
_SHARE_WITHOUT_NAME = 0.95
_CURRENCIES = (
    "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH CNY JPY KRW INR THB VND IDR MYR "
    "SGD HKD TWD PHP AUD NZD CAD MXN BRL ARS CLP COP PEN ZAR EGP NGN KES MAD AED SAR QAR ILS KZT"
)


class ColumnChoice(NamedTuple):
    """The column chosen for a field, and the reason."""

    column: Column
    why: str


@dataclass(kw_only=True)
class Proposal:
    """What `ingest map` proposes.

    Attributes:
        export: The export that the rows are from; its fields need no mapping.
        chosen: Field -> its column.
        left_out: Fields whose values do not fit the column of the same name, and that column.
        unused: Columns that no field uses.
        settings: Other settings of the section `ingest`: name -> value and reason.
        missing: Fields without a column.
        version: A column that may show which row is newer. It is only suggested, because with it
            every change is a full write.
    """

    rows: int
    export: Export | None = None
    chosen: dict[str, ColumnChoice] = field(default_factory=dict)
    left_out: dict[str, Column] = field(default_factory=dict)
    unused: list[Column] = field(default_factory=list)
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: Column | None = None

    @property
    def missing(self) -> list[str]:
        """Fields without a column."""
        return [name for name in FIELDS if name not in self.chosen and name != "version"]

    @property
    def fields(self) -> dict[str, str]:
        """`ingest.fields`: the fields whose column has another name, or none (an empty text)."""
        mapped = {
            name: choice.column.name
            for name, choice in self.chosen.items()
            if choice.column.name != name
        }
        return mapped | dict.fromkeys(self.left_out, "")


def propose(columns: Sequence[Column], export: Export | None = None) -> Proposal:
    """Propose a mapping for the columns of a feed.

    Args:
        export: The export that the columns are from.
    """
    proposal = Proposal(rows=max((column.rows for column in columns), default=0), export=export)
    if export is not None:
        _from_export(columns, export, proposal)
        return proposal
    _by_name(columns, proposal)
    _by_values(columns, proposal)
    in_order = (name for name in FIELDS if name in proposal.chosen)
    proposal.chosen = {name: proposal.chosen[name] for name in in_order}
    proposal.left_out = {
        column.name: column
        for column in columns
        if column.name in proposal.missing and column.name not in ("id", "title") and column.values
    }
    taken = {choice.column.name for choice in proposal.chosen.values()} | proposal.left_out.keys()
    proposal.unused = [column for column in columns if not _is_part_of(column, taken)]
    proposal.version = next(
        (column for column in proposal.unused if name_score("version", column.name) >= 0.9), None
    )
    _further_settings(proposal)
    return proposal


def _from_export(columns: Sequence[Column], export: Export, proposal: Proposal) -> None:
    """The fields that the export's reader made, each with the column that it is from."""
    by_name = {column.name: column for column in columns}
    own_names: dict[str, str] = {}
    for name in by_name:  # the export's own columns come first
        own_names.setdefault(name.lower(), name)
    used: set[str] = set(FIELDS)
    for name in FIELDS:
        sources = [own_names[each] for each in export.columns.get(name, ()) if each in own_names]
        used.update(sources)
        if (column := by_name.get(name)) is not None and column.values:
            source = next((each for each in sources if by_name[each].values), name)
            proposal.chosen[name] = ColumnChoice(column, source)
    proposal.unused = [c for c in columns if not _is_part_of(c, used)]
    _decimal_separator(proposal)


def _is_part_of(column: Column, taken: Set[str]) -> bool:
    """Whether a column, or an object that it is inside, is among these."""
    return column.name in taken or any(column.name.startswith(f"{name}.") for name in taken)


def _by_name(columns: Sequence[Column], proposal: Proposal) -> None:
    """Assign by name, best names first; each column is used once, except for SKU and id."""
    of_attributes = {c.name for c in columns if c.holds_objects and _names_attributes(c)}
    scores = [
        (_score(name, column), name, column)
        for name in _FITS
        for column in columns
        if column.name in of_attributes or not _is_part_of(column, of_attributes)
    ]
    by_score = sorted(
        (each for each in scores if each[0]),
        key=lambda each: (_is_mostly_empty(each[1], each[2]), -each[0]),
    )
    taken: dict[str, str] = {}
    for _, name, column in by_score:
        if name in proposal.chosen:
            continue
        if column.name in taken and {name, taken[column.name]} != {"id", "sku"}:
            continue
        if (why := _FITS[name](column)) is not None:
            proposal.chosen[name] = ColumnChoice(column, why)
            taken[column.name] = name


def _score(name: str, column: Column) -> float:
    score = name_score(name, column.name) + (column.name == name)
    has_paths = name == "category" and (column.holds_lists or column.category_separator)
    return score + _BONUS_OF_PATHS if score and has_paths else score


def _names_attributes(column: Column) -> bool:
    return name_score("attributes", column.name) > 0


def _is_mostly_empty(name: str, column: Column) -> bool:
    """Whether most rows have no value that the field can use."""
    share = 1.0
    if name == "price":
        share = column.holds_prices
    elif name == "gtin":
        share = column.share(is_gtin)
    return column.filled * share < _MOSTLY_EMPTY


def _by_values(columns: Sequence[Column], proposal: Proposal) -> None:
    """Assign the remaining fields by values."""
    for name, guess in _GUESSES.items():
        taken = {choice.column.name for choice in proposal.chosen.values()}
        free = [column for column in columns if column.name not in taken and column.values]
        if name not in proposal.chosen and (choice := guess(free)) is not None:
            proposal.chosen[name] = choice


# For a column with a suitable name: the reason why its values fit, or None.


def _fits_id(column: Column) -> str | None:
    if column.holds_lists or column.chars > 128 or column.filled < _UNIQUE_SHARE:
        return None
    repeated = column.rows - column.distinct
    if repeated > column.rows * (1 - _UNIQUE_SHARE):
        return None
    return f"unique values, but {repeated:,} occur again" if repeated else "unique values"


def _fits_title(column: Column) -> str | None:
    if not column.texts or column.holds_lists or column.share(is_url) > 0.1:
        return None
    if column.filled < _SHARE_WITH_NAME:
        return None
    return f"texts of {column.chars:.0f} characters" if column.chars <= 300 else None


def _fits_text(column: Column) -> str | None:
    if not column.texts or column.holds_objects or column.holds_lists:
        return None
    return f"texts of {column.chars:.0f} characters" if column.share(is_url) < 0.1 else None


def _fits_brand(column: Column) -> str | None:
    if not column.texts or column.holds_lists or column.holds_objects or column.chars > 60:
        return None
    return _how_many(column)


def _fits_category(column: Column) -> str | None:
    if not column.texts or column.holds_objects or column.share(is_url) > 0.1:
        return None
    if column.share(_is_kind_of_product) >= _SHARE_WITH_NAME:
        return None
    if column.holds_lists:
        return "lists of levels"
    if column.category_separator:
        return f"paths separated by {column.category_separator!r}"
    return _how_many(column) if column.distinct < column.rows / 2 else None


def _fits_price(column: Column) -> str | None:
    share = column.holds_prices
    return f"{share:.0%} are prices" if share >= _USEFUL_SHARE else None


def _fits_currency(column: Column) -> str | None:
    return "currency codes" if column.share(is_currency) >= _SHARE_WITH_NAME else None


def _fits_gtin(column: Column) -> str | None:
    share = column.share(is_gtin)
    return f"the check digit is right in {share:.0%}" if share >= _USEFUL_SHARE else None


def _fits_lang(column: Column) -> str | None:
    return "language tags" if column.share(is_language) >= _SHARE_WITH_NAME else None


def _fits_sku(column: Column) -> str | None:
    if not column.texts or column.holds_lists or column.chars > 64:
        return None
    return _how_many(column)


def _fits_attributes(column: Column) -> str | None:
    return "objects" if column.holds_objects else None


def _is_kind_of_product(text: str) -> bool:
    return text.lower() in _KINDS_OF_PRODUCTS


def _how_many(column: Column) -> str:
    return f"{column.distinct:,} different values" if column.distinct != 1 else "always the same"


_FITS: Mapping[str, Callable[[Column], str | None]] = {
    "id": _fits_id,
    "title": _fits_title,
    "description": _fits_text,
    "brand": _fits_brand,
    "category": _fits_category,
    "price": _fits_price,
    "currency": _fits_currency,
    "gtin": _fits_gtin,
    "lang": _fits_lang,
    "sku": _fits_sku,
    "attributes": _fits_attributes,
}


# For a field without a suitable name: the best of the remaining columns by values.


def _guess_gtin(columns: Sequence[Column]) -> ColumnChoice | None:
    column = _best(columns, lambda column: column.share(is_gtin))
    return _chosen(column, "by its values: trade item numbers with valid check digits")


def _guess_currency(columns: Sequence[Column]) -> ColumnChoice | None:
    column = _best(
        columns, lambda column: column.share(lambda text: len(text) == 3 and text in _CURRENCIES)
    )
    return _chosen(column, "by its values: currency codes")


def _guess_price(columns: Sequence[Column]) -> ColumnChoice | None:
    """Prices with a currency; a bare number may be anything."""
    priced = [c for c in columns if c.priced(".")[1] or c.priced(",")[1]]
    column = _best(priced, lambda column: column.holds_prices)
    return _chosen(column, "by its values: amounts with a currency")


def _guess_category(columns: Sequence[Column]) -> ColumnChoice | None:
    paths = [c for c in columns if c.category_separator == ">" and c.distinct < c.rows / 2]
    return ColumnChoice(paths[0], "by its values: paths separated by '>'") if paths else None


def _guess_title(columns: Sequence[Column]) -> ColumnChoice | None:
    texts = [
        c for c in columns if 8 <= c.chars <= 200 and _words(c) and c.filled >= _SHARE_WITHOUT_NAME
    ]
    found = max(texts, key=lambda column: column.distinct, default=None)
    return _chosen(found, "a guess by its values: short texts that differ")


def _guess_description(columns: Sequence[Column]) -> ColumnChoice | None:
    texts = [column for column in columns if column.chars > 80 and _words(column)]
    found = max(texts, key=lambda column: column.chars, default=None)
    return _chosen(found, "a guess by its values: the longest texts")


def _guess_id(columns: Sequence[Column]) -> ColumnChoice | None:
    unique = [column for column in columns if column.is_unique and column.chars <= 40]
    bare = [column for column in unique if column.share(lambda text: " " in text) < 0.05]
    return ColumnChoice(bare[0], "a guess by its values: unique values") if bare else None


def _guess_attributes(columns: Sequence[Column]) -> ColumnChoice | None:
    objects = [column for column in columns if column.holds_objects]
    return ColumnChoice(objects[0], "by its values: objects") if len(objects) == 1 else None


_GUESSES: Mapping[str, Callable[[Sequence[Column]], ColumnChoice | None]] = {
    "gtin": _guess_gtin,
    "currency": _guess_currency,
    "price": _guess_price,
    "category": _guess_category,
    "id": _guess_id,
    "title": _guess_title,
    "description": _guess_description,
    "attributes": _guess_attributes,
}


def _chosen(column: Column | None, why: str) -> ColumnChoice | None:
    return None if column is None else ColumnChoice(column, why)


def _best(columns: Sequence[Column], share: Callable[[Column], float]) -> Column | None:
    found = max(columns, key=share, default=None)
    return found if found is not None and share(found) >= _SHARE_WITHOUT_NAME else None


def _words(column: Column) -> bool:
    return column.share(lambda text: " " in text or not text.isascii()) > 0.5 and (
        column.share(is_url) < 0.1
    )


def _further_settings(proposal: Proposal) -> None:
    _decimal_separator(proposal)
    if (category := proposal.chosen.get("category")) and not category.column.holds_lists:
        separator = category.column.category_separator
        if separator == "/":  # without spaces, a load does not take it for a separator
            proposal.settings["category_separator"] = (separator, "between the levels of the paths")


def _decimal_separator(proposal: Proposal) -> None:
    if price := proposal.chosen.get("price"):
        shares: dict[DecimalSeparator, float] = {
            separator: price.column.priced(separator)[0] for separator in (".", ",")
        }
        if shares[","] > shares["."]:
            why = f"{shares[',']:.0%} of the prices fit, with '.' {shares['.']:.0%}"
            proposal.settings["decimal_separator"] = (",", why)
