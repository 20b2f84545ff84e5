"""Trade item numbers as feeds write them -> digits with a valid check digit."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from es_hybrid.cleaning import MAX_CHARS
from es_hybrid.gtin import gtin14, isbn13
from ingest.cleaning.given import given
from ingest.cleaning.problems import FieldWarning, Warn, kind_of, shown

_SEPARATORS = re.compile(r"[,;|/\n\r\t]+")
# `EAN: `, `GTIN-13 `, `ISBN-10=`, `UPC (12): `.
_LABEL = re.compile(
    r"\b(?:EAN|GTIN|UPC|ISBN|JAN|ITF|MPN|Barcode|GS1)(?:[- ]?(?:A|8|10|12|13|14|128)\b)?[\s:=#.]*",
    re.IGNORECASE,
)
_SCIENTIFIC = re.compile(r"[1-9](?:[.,]\d{1,15})?[eE]\+?\d{1,2}")
# A whole number that a program has read as a fractional one.
_ZERO_FRACTION = re.compile(r"(\d{7,14})[.,]0+")


def gtins_of(value: Any, warn: Warn) -> tuple[str, ...]:
    """The numbers of 8 to 14 digits with a valid check digit; a warning for each kind of others.

    A text may hold several, separated by commas, semicolons, bars or spaces, and labels. An
    ISBN-10 becomes an ISBN-13, and the zero that a spreadsheet took from a UPC comes back.
    """
    values = value if isinstance(value, list | tuple) else () if value is None else (value,)
    found: dict[str, None] = {}
    problems: dict[str, FieldWarning] = {}
    for part in _parts(values):
        number = _number(part)
        if number:
            found[number] = None
        else:
            problem = _problem(part)
            problems.setdefault(problem.kind, problem)
    for problem in problems.values():
        warn(problem)
    return tuple(found)


def _parts(values: list[Any] | tuple[Any, ...]) -> Iterator[Any]:
    """Each number as it is written; what is not a text or a whole number as it is."""
    for value in map(given, values):
        if isinstance(value, float) and value.is_integer():
            yield str(int(value))
        elif isinstance(value, int) and not isinstance(value, bool):
            yield str(value)
        elif isinstance(value, str):
            yield from _parts_of_text(value)
        elif value is not None:
            yield value


def _parts_of_text(text: str) -> Iterator[str]:
    if len(text) > MAX_CHARS:
        yield text  # no list of numbers
        return
    if text.isascii() and text.isdigit():
        yield text
        return
    if _SCIENTIFIC.fullmatch(text.strip()):
        yield text.strip()  # its comma separates nothing
        return
    text = _ZERO_FRACTION.sub(r"\1", _LABEL.sub("", text))
    for part in _SEPARATORS.split(text):
        part = part.strip(" '\"()[]")
        if not part or given(part) is None:
            continue
        # Spaces separate numbers, but also the groups of one number.
        numbers = part.split()
        yield from [part] if len(numbers) == 1 or _number(part) else _joined_words(numbers)


def _joined_words(numbers: list[str]) -> list[str]:
    """The numbers, or the whole text if it is none."""
    return numbers if any(map(_number, numbers)) else [" ".join(numbers)]


def _number(part: Any) -> str:
    """The digits of a valid number; empty if it is not valid."""
    if not isinstance(part, str) or len(part) > 40:
        return ""
    digits = part.replace("-", "").replace(" ", "")
    if gtin14(digits):
        return digits
    if len(digits) == 11 and gtin14(f"0{digits}"):
        return f"0{digits}"
    return isbn13(digits.upper())


def _problem(part: Any) -> FieldWarning:
    if not isinstance(part, str):
        return FieldWarning("gtin", "not a number", f"{shown(part)} is {kind_of(part)}; left out")
    digits = re.sub(r"[\s-]", "", part[:MAX_CHARS])
    if _SCIENTIFIC.fullmatch(part):
        kind = "scientific notation"
        message = (
            f"{shown(part)} lost its last digits in a spreadsheet; format the column as text and "
            "export it again"
        )
    elif digits.isdecimal() and 8 <= len(digits) <= 14:
        kind, message = "check digit", f"{shown(part)} has a wrong check digit; correct the number"
    else:
        kind = "not a number"
        message = f"{shown(part)} is not 8 to 14 digits; correct it, or map another column"
    return FieldWarning("gtin", kind, message)
