"""Numbers with units, and other parts of a title that are the same in every language.

`1.7 L`, `1700 ml`, `1,7 л` and `1.7升` are one quantity; `1.5 L` is another.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from es_hybrid.align.compare.units import UNIT, unit_of

__all__ = ["Quantity", "clash", "marks", "quantities"]

# Allows for rounding, e.g. an inch rounded to whole centimetres.
_TOLERANCE = 0.02
_NUMBER = r"\d+(?:[.,]\d+)*"
# `30 x 40 cm` and `220-240 V`: the unit applies to every number before it.
_LINK = r"\s*(?:[x×*~～/–-]|bis|till|to|至|から)\s*"
_QUANTITY = re.compile(
    rf"(?<![\w.,])(?P<numbers>{_NUMBER}(?:{_LINK}{_NUMBER})*)[\s-]?(?P<unit>{UNIT})"
    # Chinese and Japanese put no space before a number.
    rf"|(?<=[\u3040-\u30ff\u4e00-\u9fff])(?P<numbers_>{_NUMBER}(?:{_LINK}{_NUMBER})*)[\s-]?"
    rf"(?P<unit_>{UNIT})"
)
_NUMBERS = re.compile(_NUMBER)
# Latin words, numbers, and mixtures such as `wh-1000xm4` or `11/pm`.
_MARK = re.compile(r"[a-z0-9]+(?:[-./][a-z0-9]+)*")
_NO_BREAK_IN_NUMBER = re.compile(r"(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_FLUID_OUNCE = re.compile(r"\bfl\.? ?oz\b")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes:
        dimension: The base unit, such as `ml` or `mm`.
        values: The possible values: `1,000` is a thousand or one.
        text: The original text.
    """

    dimension: str
    values: tuple[float, ...]
    text: str

    def equals(self, other: Quantity) -> bool:
        """Whether both may be equal, within 2 %."""
        return self.dimension == other.dimension and any(
            abs(mine - theirs) <= _TOLERANCE * max(mine, theirs)
            for mine in self.values
            for theirs in other.values
        )


def quantities(text: str) -> list[Quantity]:
    """Every number with a known unit, in the order of the text."""
    found = []
    for match in _QUANTITY.finditer(_plain(text)):
        numbers = match["numbers"] or match["numbers_"]
        unit = match["unit"] or match["unit_"]
        dimension, factor = unit_of(unit)
        for number in _NUMBERS.findall(numbers):
            values = tuple(factor * value for value in _readings(number))
            found.append(Quantity(dimension, values, f"{number} {unit}"))
    return found


def clash(left: Sequence[Quantity], right: Sequence[Quantity]) -> str:
    """The contradiction between two titles, such as `1.7 l / 1.5 l`; empty if there is none.

    Titles contradict each other in a dimension that both mention without sharing a quantity. One
    title may omit what the other mentions.
    """
    mine, theirs = _by_dimension(left), _by_dimension(right)
    for dimension in mine.keys() & theirs.keys():
        pairs = [(a, b) for a in mine[dimension] for b in theirs[dimension]]
        if not any(a.equals(b) for a, b in pairs):
            a, b = pairs[0]
            return f"{a.text} / {b.text}"
    return ""


def marks(text: str) -> frozenset[str]:
    """Latin words, numbers and model numbers of a title, without its quantities.

    In a Chinese title these are the parts that every language shares: brands, models, counts.
    """
    rest = _QUANTITY.sub(" ", _plain(text))
    return frozenset(word.replace(",", ".") for word in _MARK.findall(_without_accents(rest)))


def _plain(text: str) -> str:
    joined = _NO_BREAK_IN_NUMBER.sub("", text)
    folded = unicodedata.normalize("NFKC", joined).casefold()
    return _FLUID_OUNCE.sub("floz", folded)


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    parts = unicodedata.normalize("NFD", text)
    return "".join(part for part in parts if not unicodedata.combining(part))


def _readings(number: str) -> tuple[float, ...]:
    """The possible values: a comma is a decimal or a thousands separator."""
    signs = [sign for sign in number if sign in ".,"]
    if not signs:
        return (float(number),)
    last = signs[-1]
    whole, _, rest = number.rpartition(last)
    as_decimal = float(re.sub("[.,]", "", whole) + "." + rest)
    as_thousands = float(re.sub("[.,]", "", number))
    if len(set(signs)) > 1:
        return (as_decimal,)
    if len(signs) > 1:
        return (as_thousands,)
    if len(rest) == 3 and len(whole) <= 3 and whole != "0":
        return (as_decimal, as_thousands)
    return (as_decimal,)


def _by_dimension(found: Iterable[Quantity]) -> Mapping[str, list[Quantity]]:
    groups: dict[str, list[Quantity]] = {}
    for quantity in found:
        groups.setdefault(quantity.dimension, []).append(quantity)
    return groups
