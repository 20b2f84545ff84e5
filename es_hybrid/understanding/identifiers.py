"""Queries that are trade numbers: a GTIN, a SKU, a model number.

A shop stores `NOR.0707-60`; shoppers type `NOR070760`, `nor 0707 60` or `Art.-Nr. NOR.0707`, or
scan a code with a zero more. This module decides which texts are such numbers and how they may be
stored. It knows nothing about the index.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from es_hybrid.cleaning import with_plain_hyphens
from es_hybrid.gtin import gtin14, gtin_forms, isbn13
from es_hybrid.understanding.number_labels import without_label

__all__ = ["Identifier", "identifier_of"]

_MAX_CHARS = 80
# Letters and digits. The patterns of longer keys exceed the cluster's limit of 1000 characters.
_MIN_KEY, _MAX_KEY = 4, 40
# An end is compared with every number of the index; one of four signs would be found too often.
_MIN_END = 5
_MAX_PARTS = 5

# Lucene takes `-` as itself at the start of a class only.
_ASCII_SEPARATORS = "- ./_,:#"
# Japanese keyboards type the long vowel mark for a hyphen.
_SEPARATORS = f"{_ASCII_SEPARATORS}·\u2010-\u2015\u2212\u30fc"
_SEPARATOR = re.compile(f"[{_SEPARATORS}]")
# Letters of the scripts that such numbers are written in: Latin, Greek, Cyrillic.
_LETTER = "A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f\u0370-\u052f"
_SHAPE = re.compile(f"[0-9{_LETTER}{_SEPARATORS}]+")
_RUN = re.compile(f"[0-9]+|[{_LETTER}]+")
# What a copied number is put in.
_AROUND = " \"'“”„«»()[]{}<>#.,;:!?*=-"

_UNIT = (
    "(?:[wvagmlkhpfcx]|mm|cm|dm|km|qm|in|inch|zoll|ft|yd|kg|mg|lbs?|oz|ml|cl|dl|gb|tb|mb|kb|"
    "mbps|gbps|kw|kwh|wh|mv|kv|va|kva|mah|ah|hz|khz|mhz|ghz|lm|db|bar|psi|rpm|px|mp|dpi|fps|er|"
    "pcs|pc|st|stk|pz|szt|tlg|nm|min|sec|den|awg)"
)
_AMOUNT = f"[0-9]{{1,5}}(?:[.,][0-9]{{1,2}})?{_UNIT}?"
# `256gb`, `1.7l`, `10x15cm`; both bounds of `100-240v`.
_QUANTITY = re.compile(f"{_AMOUNT}(?:x{_AMOUNT})*", re.IGNORECASE)
_UNIT_ALONE = re.compile(_UNIT, re.IGNORECASE)
_DECIMAL = re.compile("[0-9]+[.,][0-9]{1,2}")
_TYRE = re.compile("[0-9]{3}/[0-9]{2} ?z?r ?[0-9]{2}.*", re.IGNORECASE)
# Names of many products: `ral7016`, `iso20345`, `rtx4070`.
_FAMILY = re.compile(
    "(?:din|en|iso|iec|ieee|ral|ip|ipx|ddr|usb|cat|rtx|gtx|rx|win|ps)[ -]?[0-9.]+[a-z]{0,2}",
    re.IGNORECASE,
)
_YEAR = re.compile("(?:19[5-9]|20[0-3])[0-9]")
_VOWEL = re.compile("[aeiouyà-öø-ÿаеиоуыэюя]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identifier:
    """A query that is a trade number, or may be one.

    Attributes:
        value: The number as typed, without its label, with plain hyphens.
        gtins: All forms of the number, if it is a GTIN or has as many digits.
        key: Its 4 to 40 letters and digits, if it may be stored with other separators.
        is_start: Whether it may be the beginning of a longer number.
        is_end: Whether it may be the end of a longer number.
        certain: Whether its form, or its label, excludes words, quantities and names of a model:
            a product without this number, or this very word, is not what was asked for.
    """

    value: str
    gtins: tuple[str, ...] = ()
    key: str = ""
    is_start: bool = False
    is_end: bool = False
    certain: bool = False

    @property
    def pattern(self) -> str:
        """The key with any separators, as a regular expression of Lucene; < 1000 characters.

        Like the other two it consists of letters, digits and separators: nothing typed is syntax.
        """
        anything = f"[{_SEPARATORS}]*"
        return f"{anything}{anything.join(self.key)}{anything}"

    @property
    def start_pattern(self) -> str:
        """Longer numbers that start with the key, of ASCII characters only.

        Compiling `.*`, which includes all of Unicode, takes longer than reading 20,000 terms.
        """
        return f"{self._ascii}[ -~]*"

    @property
    def end_pattern(self) -> str:
        """Longer numbers that end with the key, of ASCII characters only."""
        return f"[ -~]*{self._ascii}"

    @property
    def _ascii(self) -> str:
        return f"[{_ASCII_SEPARATORS}]*".join(self.key)


def identifier_of(text: str) -> Identifier | None:
    """The trade number that a query consists of; None if it is something else.

    Args:
        text: Cleaned, see `es_hybrid.cleaning.clean_query`.

    >>> identifier_of("EAN 4006381333931").gtins[:2]
    ('4006381333931', '04006381333931')
    >>> identifier_of("Art.-Nr. NOR.0707-60").key
    'NOR070760'
    >>> identifier_of("iphone 15") is None
    True
    """
    if len(text) > _MAX_CHARS or not any(map(str.isdigit, text)):
        return None
    text = with_plain_hyphens(text).strip(_AROUND)
    rests, label = without_label(text)
    numbers = [_Number(rest.strip(_AROUND)) for rest in rests]
    for number in numbers:
        if gtin := number.gtin(labelled=label == "gtin"):
            return number.as_gtin(gtin)
    number = numbers[0]
    if label == "sku" or (label == "gtin" and number.may_be_gtin):
        return number.as_sku(labelled=True)
    # Not `EAN scanner 2D`, `jan 2026` or `model 3`.
    found = number.as_sku(labelled=False)
    return found if found is not None and found.certain else _Number(text).as_sku(labelled=False)


class _Number:
    """A text that may be a number, with its letters and digits."""

    def __init__(self, value: str) -> None:
        self.value = value
        self.parts = value.split()
        self.key = _SEPARATOR.sub("", value)
        self.digits = sum(map(str.isdigit, self.key))

    def gtin(self, *, labelled: bool) -> str:
        """The digits of a valid GTIN, with those that were left out; empty if it is none."""
        digits = self.key.upper()
        if len(digits) == 8 and not labelled and not re.fullmatch(r"\d{4}[ -]?\d{4}", self.value):
            return ""  # `2026-11-29`
        if gtin14(digits):
            return digits
        if len(digits) == 11 and gtin14(f"0{digits}"):
            return f"0{digits}"
        return isbn13(digits)

    @property
    def may_be_gtin(self) -> bool:
        """Whether it may be a part of one, or one with a digit too many or too few."""
        return self._is_numeric and len(self.key) >= 6

    def as_gtin(self, gtin: str) -> Identifier:
        """What it is as a valid GTIN. One of 8 digits may be a SKU all the same, or half of one."""
        is_part = self._is_numeric and len(self.key) < 12
        return Identifier(
            value=self.value,
            gtins=gtin_forms(gtin),
            key=self.key,
            is_start=is_part,
            is_end=is_part,
            certain=True,
        )

    def as_sku(self, *, labelled: bool) -> Identifier | None:
        """What it is as a SKU, model number, or GTIN with a wrong check digit."""
        if not _SHAPE.fullmatch(self.value) or not self.digits:
            return None
        fits = self._is_spaced() if len(self.parts) > 1 else self._is_token()
        fits = fits and not _TYRE.fullmatch(self.value)
        if not fits and (not labelled or self._has_words):
            return None
        varies = _MIN_KEY <= len(self.key) <= _MAX_KEY
        is_long = self.value.isdigit() and len(self.value) >= 8
        return Identifier(
            value=self.value,
            gtins=gtin_forms(self.value) if is_long and len(self.value) <= 14 else (),
            key=self.key if varies else "",
            is_start=varies and self._is_part(),
            is_end=varies and self._is_part() and len(self.key) >= _MIN_END,
            certain=labelled or is_long or self._is_unmistakable(),
        )

    @property
    def _is_numeric(self) -> bool:
        return self.key.isdigit()

    @property
    def _has_words(self) -> bool:
        """Whether there are words next to the number."""
        return len(self.parts) > 1 and any(map(_is_word, self.parts))

    def _is_token(self) -> bool:
        """`KX-4820B`, but not `256gb` or `100-240v`."""
        if self._is_numeric:
            return len(self.key) >= 6
        amounts = re.split("[-/+]", self.value)
        return len(self.key) >= _MIN_KEY and not all(map(_QUANTITY.fullmatch, amounts))

    def _is_spaced(self) -> bool:
        """`NOR 0707 60`, but not `iphone 15`, `usb 3.0`, `5 mm drill` or `air max 270`."""
        letters = [part for part in self.parts if part.isalpha()]
        if self._is_numeric:
            return len(self.key) >= 8
        syllables = sum(map(_is_syllable, letters))
        return (
            len(self.parts) <= _MAX_PARTS
            and len(self.key) >= 6
            and self.digits >= (3 if syllables else 2)
            and all(len(part) <= 3 for part in letters)
            and syllables <= len(self.parts) - len(letters)
        )

    def _is_part(self) -> bool:
        """Not `iphone15`, `usb3.0` or `led 600 w`, which would find the numbers of accessories."""
        if self._is_numeric:
            return self.digits >= 6
        if _FAMILY.fullmatch(self.value) or any(map(_is_amount, self.parts, ["", *self.parts])):
            return False
        # Typed in capitals, as numbers are printed, SEAT15 is no word.
        if any(_is_word(run) and not run.isupper() for run in _RUN.findall(self.value)):
            return self.digits >= 3
        return self.digits >= 2 or len(self.key) >= 5

    def _is_unmistakable(self) -> bool:
        """`170000D000237`, but not `ral7016`, `sommer2026` or `1000teile`."""
        runs = _RUN.findall(self.value)
        return (
            len(self.parts) == 1
            and not self._is_numeric
            and len(self.key) >= 6
            and self.digits >= (6 if any(map(_is_word, runs)) else 4)
            and not _FAMILY.fullmatch(self.value)
            and [run for run in runs if run.isdigit() and not _YEAR.fullmatch(run)] != []
        )


def _is_word(run: str) -> bool:
    return len(run) >= 4 and run.isalpha() and _VOWEL.search(run) is not None


def _is_syllable(run: str) -> bool:
    """`air`, but not `HP` or `NTX`."""
    return len(run) == 3 and _VOWEL.search(run) is not None


def _is_amount(part: str, before: str) -> bool:
    """`256gb`, `3.0`, or the `mm` of `5 mm`."""
    if part.isalpha():
        return before[-1:].isdigit() and _UNIT_ALONE.fullmatch(part) is not None
    return not part.isdigit() and (
        _QUANTITY.fullmatch(part) is not None or _DECIMAL.fullmatch(part) is not None
    )
