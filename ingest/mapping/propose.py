"""Assigns columns to fields by their names and their values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.cleaning.price import DecimalSeparator
from ingest.mapping.columns import Column, is_currency, is_gtin, is_language, is_url
from ingest.mapping.names import FIELDS, name_score

# Share of values that must fit the field that the name suggests.
_SHARE_WITH_NAME = 0.8
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
        chosen: Field -> its column.
        unused: Columns that no field uses.
        settings: Other settings of the section `ingest`: name -> value and reason.
        missing: Fields without a column.
        version: A column that may show which row is newer. It is only suggested, because with it
            every change is a full write.
    """

    rows: int
    chosen: dict[str, ColumnChoice] = field(default_factory=dict)
    unused: list[Column] = field(default_factory=list)
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: Column | None = None

    @property
    def missing(self) -> list[str]:
        """Fields without a column."""
        return [name for name in FIELDS if name not in self.chosen and name != "version"]

    @property
    def fields(self) -> dict[str, str]:
        """`ingest.fields`: the fields whose column has another name."""
        return {
            name: choice.column.name
            for name, choice in self.chosen.items()
            if choice.column.name != name
        }


def propose(columns: Sequence[Column]) -> Proposal:
    """Propose a mapping for the columns of a feed."""
    proposal = Proposal(rows=max((column.rows for column in columns), default=0))
    _by_name(columns, proposal)
    _by_values(columns, proposal)
    in_order = (name for name in FIELDS if name in proposal.chosen)
    proposal.chosen = {name: proposal.chosen[name] for name in in_order}
    taken = {choice.column.name for choice in proposal.chosen.values()}
    proposal.unused = [column for column in columns if column.name not in taken]
    proposal.version = next(
        (column for column in proposal.unused if name_score("version", column.name) >= 0.9), None
    )
    _further_settings(proposal)
    return proposal


def _by_name(columns: Sequence[Column], proposal: Proposal) -> None:
    """Assign by name, best names first; each column is used once, except for SKU and id."""
    scores = [
        (name_score(name, column.name) + (column.name == name), name, column)
        for name in _FITS
        for column in columns
    ]
    by_score = sorted(scores, key=lambda score: -score[0])
    taken: dict[str, str] = {}
    for score, name, column in by_score:
        if not score or name in proposal.chosen:
            continue
        if column.name in taken and {name, taken[column.name]} != {"id", "sku"}:
            continue
        if (why := _FITS[name](column)) is not None:
            proposal.chosen[name] = ColumnChoice(column, why)
            taken[column.name] = name


def _by_values(columns: Sequence[Column], proposal: Proposal) -> None:
    """Assign the remaining fields by values."""
    for name, guess in _GUESSES.items():
        taken = {choice.column.name for choice in proposal.chosen.values()}
        free = [column for column in columns if column.name not in taken and column.values]
        if name not in proposal.chosen and (choice := guess(free)) is not None:
            proposal.chosen[name] = choice


# For a column with a suitable name: the reason why its values fit, or None.


def _fits_id(column: Column) -> str | None:
    return "unique values" if column.is_unique and column.chars <= 128 else None


def _fits_title(column: Column) -> str | None:
    if column.filled < _SHARE_WITH_NAME or column.holds_lists or column.share(is_url) > 0.1:
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
    if column.holds_lists:
        return "lists of levels"
    if column.category_separator:
        return f"paths separated by {column.category_separator!r}"
    return _how_many(column) if column.distinct < column.rows / 2 else None


def _fits_price(column: Column) -> str | None:
    share = column.holds_prices
    return f"{share:.0%} are prices" if share >= _SHARE_WITH_NAME else None


def _fits_currency(column: Column) -> str | None:
    return "currency codes" if column.share(is_currency) >= _SHARE_WITH_NAME else None


def _fits_gtin(column: Column) -> str | None:
    share = column.share(is_gtin)
    return f"the check digit is right in {share:.0%}" if share >= _SHARE_WITH_NAME else None


def _fits_lang(column: Column) -> str | None:
    return "language tags" if column.share(is_language) >= _SHARE_WITH_NAME else None


def _fits_sku(column: Column) -> str | None:
    if not column.texts or column.holds_lists or column.chars > 64:
        return None
    return _how_many(column)


def _fits_attributes(column: Column) -> str | None:
    return "objects" if column.holds_objects else None


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
    if price := proposal.chosen.get("price"):
        shares: dict[DecimalSeparator, float] = {
            separator: price.column.priced(separator)[0] for separator in (".", ",")
        }
        if shares[","] > shares["."]:
            why = f"{shares[',']:.0%} of the prices fit, with '.' {shares['.']:.0%}"
            proposal.settings["decimal_separator"] = (",", why)
    if (category := proposal.chosen.get("category")) and not category.column.holds_lists:
        separator = category.column.category_separator
        if separator not in (None, ">"):
            proposal.settings["category_separator"] = (separator, "between the levels of the paths")
