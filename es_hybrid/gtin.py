"""Trade item numbers: GTIN-8, UPC, EAN, GTIN-14 and ISBN are one number in several lengths."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["gtin14", "gtin_forms", "isbn13"]

_LENGTHS = (8, 12, 13, 14)
# The prefix of books, whose numbers had ten digits before 2007.
_BOOKS = "978"


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
    if len(digits) not in _LENGTHS:
        return ""
    filled = digits.zfill(14)
    return filled if _check_digit(filled[:-1]) == filled[-1] and int(filled) else ""


def gtin_forms(digits: str) -> tuple[str, ...]:
    """The forms of a number that an index may contain, the given one first.

    With the leading zeros of each length, with none, and as ISBN-10.

    Args:
        digits: At most 14 ASCII digits, whose check digit may be wrong.

    >>> gtin_forms("036000291452")
    ('036000291452', '36000291452', '0036000291452', '00036000291452')
    """
    bare = digits.lstrip("0")
    filled = [bare.zfill(length) for length in _LENGTHS if len(bare) <= length]
    book = [_isbn10(bare)] if len(bare) == 13 and bare.startswith(_BOOKS) else []
    return tuple(dict.fromkeys([digits, bare, *filled, *book]))


def isbn13(isbn10: str) -> str:
    """The ISBN-13 of a valid ISBN-10 without separators; empty if it is not valid."""
    if not re.fullmatch(r"[0-9]{9}[0-9X]", isbn10) or not int(isbn10[:9]):
        return ""
    if isbn10[-1] != _isbn10_check(isbn10[:9]):
        return ""
    body = f"{_BOOKS}{isbn10[:9]}"
    return f"{body}{_check_digit(body)}"


def _isbn10(isbn: str) -> str:
    """The ISBN-10 of an ISBN-13 that starts with 978."""
    body = isbn[len(_BOOKS) : -1]
    return f"{body}{_isbn10_check(body)}"


def _check_digit(body: str) -> str:
    """GS1: weights 3 and 1 in turn, 3 for the last digit before the check digit."""
    codes = body.encode()
    thrice, once = codes[::-2], codes[-2::-2]
    weighted = 3 * sum(thrice) + sum(once) - ord("0") * (3 * len(thrice) + len(once))
    return str(-weighted % 10)


def _isbn10_check(body: str) -> str:
    rest = -sum(int(digit) * (10 - at) for at, digit in enumerate(body)) % 11
    return "X" if rest == 10 else str(rest)
