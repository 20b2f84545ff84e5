"""Values as databases and spreadsheets write them, before a field reads them."""

from __future__ import annotations

import re
from typing import Any

# How databases, programs and people write "no value".
_NULL_WORDS = frozenset(
    [
        "NULL", "null", "Null", "(NULL)", "(null)", "<NULL>", "<null>", "[NULL]", "[null]",
        r"\N", r"\n", "NIL", "nil", "None", "none", "NONE", "nan", "NaN", "-nan", "NaT", "<NA>",
        "undefined", "UNDEFINED", "N/A", "n/a", "N/a", "NA", "N.A.", "n.a.", "n. a.",
        "-", "--", "---", "–", "—", "?", "??", "???", ".", "..", "...", "…", "_", "/", "//",
    ]
)  # fmt: skip
# A title is text: a product may be called `None`, but not so.
_NO_TITLE = frozenset(["NULL", "(null)", "[NULL]", "<null>", r"\N"])
_LONGEST = max(map(len, _NULL_WORDS))
# `#REF!`, `#NAME?`, `#DIV/0!`, `#BEZUG!`, `#¡VALOR!`, and the few without a mark at the end.
_FORMULA_ERROR = re.compile(
    r"#[¡¿]?[A-ZÀ-ÞА-Я_]{2,20}(?:/0)?[!?]|#(?:N/A|N/D|N/B|NV|NA|I/T|Н/Д|GETTING_DATA)"
)
# What a spreadsheet would read as a formula; exporters put an apostrophe in front.
_FORMULA_SIGNS = ("'=", "'+", "'-", "'@", "'\t", "'\r")


def given(value: Any) -> Any:
    """The value, or None if it is a way to write "no value"; text without a spreadsheet's guard."""
    if type(value) is not str:
        # Data frames write a missing number as NaN, which differs from itself.
        return None if isinstance(value, float) and value != value else value
    if value[:1] == "'":
        value = _unguarded(value)
    word = value.strip() if len(value) <= _LONGEST + 8 else ""
    if word in _NULL_WORDS or (value[:1] == "#" and _is_formula_error(value)):
        return None
    return value


def given_title(value: Any) -> Any:
    """As `given`, but only with null words that cannot be the name of a product."""
    if type(value) is not str:
        return value
    if value.strip() in _NO_TITLE or (value[:1] == "#" and _is_formula_error(value)):
        return None
    return _unguarded(value) if value[:1] == "'" else value


def _is_formula_error(text: str) -> bool:
    return _FORMULA_ERROR.fullmatch(text[:32].rstrip()) is not None and len(text) <= 32


def _unguarded(text: str) -> str:
    """Text without the apostrophe before a formula's sign or before digits only.

    `'+'` is a sign in quotes.
    """
    guarded = text.startswith(_FORMULA_SIGNS) and text[2:3] != "'"
    return text[1:] if guarded or text[1:].strip().isdecimal() else text
