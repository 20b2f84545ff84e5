"""Numbers that identify a product in any catalogue."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["gtin14", "plain_key"]

_NOT_WORD = re.compile(r"[\W_]+")


def gtin14(text: str) -> str:
    """A GTIN-8, UPC, EAN or GTIN-14 with 14 digits; empty if the check digit is wrong.

    Shops assign numbers that start with 2 themselves (GS1 General Specifications, restricted
    circulation); within one shop's catalogue they still identify a product.
    """
    digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
    if not (digits.isascii() and digits.isdigit()) or len(digits) not in (8, 12, 13, 14):
        return ""
    filled = digits.zfill(14)
    weighted = sum(int(digit) * (3 if at % 2 == 0 else 1) for at, digit in enumerate(filled))
    return filled if weighted % 10 == 0 and int(filled) else ""


def plain_key(text: str) -> str:
    """A SKU, model number or brand without case, accents, spaces and punctuation."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_WORD.sub("", "".join(part for part in parts if not unicodedata.combining(part)))
