"""Numbers that identify a product in any catalogue."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["gtin14", "plain_key"]

# The weighted sum of the codes of fourteen zeros.
_ZEROS = ord("0") * (7 * 3 + 7)
_NOT_WORD = re.compile(r"[\W_]+")


def gtin14(text: str) -> str:
    """A GTIN-8, UPC, EAN or GTIN-14 with 14 digits; empty if the check digit is wrong.

    Shops assign numbers that start with 2 themselves (GS1 General Specifications, restricted
    circulation); within one shop's catalogue they still identify a product.
    """
    digits = text
    if not (digits.isascii() and digits.isdigit()):
        digits = re.sub(r"[\s-]", "", unicodedata.normalize("NFKC", text))
        if not (digits.isascii() and digits.isdigit()):
            return ""
    if len(digits) not in (8, 12, 13, 14):
        return ""
    filled = digits.zfill(14)
    codes = filled.encode()
    weighted = 3 * sum(codes[::2]) + sum(codes[1::2]) - _ZEROS
    return filled if weighted % 10 == 0 and int(filled) else ""


def plain_key(text: str) -> str:
    """A SKU, model number or brand without case, accents, spaces and punctuation."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_WORD.sub("", "".join(part for part in parts if not unicodedata.combining(part)))
