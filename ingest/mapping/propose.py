"""Which column is which field: by what it is called, and by whether its values fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ingest.cleaning.price import DecimalSeparator
from ingest.mapping.columns import Column, is_currency, is_gtin, is_language, is_url
from ingest.mapping.names import FIELDS, name_score

# Of a field's values, to be taken for what its name says.
_MOST = 0.8
# And without such a name, by the values alone.
_NEARLY_ALL = 0.95
_CURRENCIES = (
    "EUR USD GBP CHF SEK NOK DKK PLN CZK HUF RON BGN TRY RUB UAH CNY JPY KRW INR THB VND IDR MYR "
    "SGD HKD TWD PHP AUD NZD CAD MXN BRL ARS CLP COP PEN ZAR EGP NGN KES MAD AED SAR QAR ILS KZT"
)


class ColumnChoice(NamedTuple):
    """A column for a field, and why."""

    column: Column
    why: str


@dataclass(kw_only=True)
class Proposal:
    """What `ingest map` proposes.

    Attributes:
        chosen: Field -> its column.
        left_out: Columns that no field takes.
        settings: Further settings of the section `ingest`: name -> value and why.
        missing: Fields for which no column was found.
        version: A column that may tell which row is newer; not chosen by itself, since then every
            change is a full write.
    """

    rows: int
    chosen: dict[str, ColumnChoice] = field(default_factory=dict)
    left_out: list[Column] = field(default_factory=list)
    settings: dict[str, tuple[str, str]] = field(default_factory=dict)
    version: Column | None = None

    @property
    def missing(self) -> list[str]:
        """Fields for which no column was found."""
        return [name for name in FIELDS if name not in self.chosen and name != "version"]

    @property
    def fields(self) -> dict[str, str]:
        """`ingest.fields`: those whose column has another name."""
        return {
            name: choice.column.name
            for name, choice in self.chosen.items()
            if choice.column.name != name
        }


def propose(columns: Sequence[Column]) -> Proposal:
    """A mapping for the columns of a feed."""
    proposal = Proposal(rows=max((column.rows for column in columns), default=0))
    _by_name(columns, proposal)
    _by_values(columns, proposal)
    in_order = (name for name in FIELDS if name in proposal.chosen)
    proposal.chosen = {name: proposal.chosen[name] for name in in_order}
    taken = {choice.column.name for choice in proposal.chosen.values()}
    proposal.left_out = [column for column in columns if column.name not in taken]
    proposal.version = next(
        (column for column in proposal.left_out if name_score("version", column.name) >= 0.9), None
    )
    _further_settings(proposal)
    return proposal


def _by_name(columns: Sequence[Column], proposal: Proposal) -> None:
    """The best names first, each column once; a SKU may be the id as well."""
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
    """What no name told."""
    for name, told in _TELLS.items():
        taken = {choice.column.name for choice in proposal.chosen.values()}
        free = [column for column in columns if column.name not in taken and column.values]
        if name not in proposal.chosen and (choice := told(free)) is not None:
            proposal.chosen[name] = choice


# Whether a column of such a name holds such values: why, or None.


def _fits_id(column: Column) -> str | None:
    return "no value twice" if column.is_unique and column.chars <= 128 else None


def _fits_title(column: Column) -> str | None:
    if column.filled < _MOST or column.holds_lists or column.share(is_url) > 0.1:
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
        return "lists of steps"
    if column.category_separator:
        return f"paths parted by {column.category_separator!r}"
    return _how_many(column) if column.distinct < column.rows / 2 else None


def _fits_price(column: Column) -> str | None:
    share = column.holds_prices
    return f"{share:.0%} are prices" if share >= _MOST else None


def _fits_currency(column: Column) -> str | None:
    return "currency codes" if column.share(is_currency) >= _MOST else None


def _fits_gtin(column: Column) -> str | None:
    share = column.share(is_gtin)
    return f"the check digit is right in {share:.0%}" if share >= _MOST else None


def _fits_lang(column: Column) -> str | None:
    return "language tags" if column.share(is_language) >= _MOST else None


def _fits_sku(column: Column) -> str | None:
    if not column.texts or column.holds_lists or column.chars > 64:
        return None
    return _how_many(column)


def _fits_attributes(column: Column) -> str | None:
    return "names with values" if column.holds_objects else None


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


# The best of the columns that no name claims: by their values alone.


def _tell_gtin(columns: Sequence[Column]) -> ColumnChoice | None:
    column = _best(columns, lambda column: column.share(is_gtin))
    return _chosen(column, "by its values: trade numbers with a right check digit")


def _tell_currency(columns: Sequence[Column]) -> ColumnChoice | None:
    column = _best(
        columns, lambda column: column.share(lambda text: len(text) == 3 and text in _CURRENCIES)
    )
    return _chosen(column, "by its values: currency codes")


def _tell_price(columns: Sequence[Column]) -> ColumnChoice | None:
    """Prices that name a currency; a bare number may be anything."""
    priced = [c for c in columns if c.priced(".")[1] or c.priced(",")[1]]
    column = _best(priced, lambda column: column.holds_prices)
    return _chosen(column, "by its values: amounts with a currency")


def _tell_category(columns: Sequence[Column]) -> ColumnChoice | None:
    paths = [c for c in columns if c.category_separator == ">" and c.distinct < c.rows / 2]
    return ColumnChoice(paths[0], "by its values: paths parted by '>'") if paths else None


def _tell_title(columns: Sequence[Column]) -> ColumnChoice | None:
    texts = [c for c in columns if 8 <= c.chars <= 200 and _words(c) and c.filled >= _NEARLY_ALL]
    found = max(texts, key=lambda column: column.distinct, default=None)
    return _chosen(found, "a guess by its values: short texts that differ")


def _tell_description(columns: Sequence[Column]) -> ColumnChoice | None:
    texts = [column for column in columns if column.chars > 80 and _words(column)]
    found = max(texts, key=lambda column: column.chars, default=None)
    return _chosen(found, "a guess by its values: the longest texts")


def _tell_id(columns: Sequence[Column]) -> ColumnChoice | None:
    unique = [column for column in columns if column.is_unique and column.chars <= 40]
    bare = [column for column in unique if column.share(lambda text: " " in text) < 0.05]
    return ColumnChoice(bare[0], "a guess by its values: no value twice") if bare else None


def _tell_attributes(columns: Sequence[Column]) -> ColumnChoice | None:
    objects = [column for column in columns if column.holds_objects]
    return (
        ColumnChoice(objects[0], "by its values: names with values") if len(objects) == 1 else None
    )


_TELLS: Mapping[str, Callable[[Sequence[Column]], ColumnChoice | None]] = {
    "gtin": _tell_gtin,
    "currency": _tell_currency,
    "price": _tell_price,
    "category": _tell_category,
    "id": _tell_id,
    "title": _tell_title,
    "description": _tell_description,
    "attributes": _tell_attributes,
}


def _chosen(column: Column | None, why: str) -> ColumnChoice | None:
    return None if column is None else ColumnChoice(column, why)


def _best(columns: Sequence[Column], share: Callable[[Column], float]) -> Column | None:
    found = max(columns, key=share, default=None)
    return found if found is not None and share(found) >= _NEARLY_ALL else None


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
            why = f"{shares[',']:.0%} of the prices can be read so, with '.' {shares['.']:.0%}"
            proposal.settings["decimal_separator"] = (",", why)
    if (category := proposal.chosen.get("category")) and not category.column.holds_lists:
        separator = category.column.category_separator
        if separator not in (None, ">"):
            proposal.settings["category_separator"] = (separator, "between the steps of the paths")
