"""Numbers and names of different catalogues in one form."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["plain_key"]

_NOT_WORD = re.compile(r"[\W_]+")


def plain_key(text: str) -> str:
    """A SKU, model number or brand without case, accents, spaces and punctuation."""
    parts = unicodedata.normalize("NFKD", text).casefold()
    return _NOT_WORD.sub("", "".join(part for part in parts if not unicodedata.combining(part)))
