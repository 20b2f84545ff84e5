"""Cleaned text of one value."""

from __future__ import annotations

import math
from datetime import date, time
from decimal import Decimal
from typing import Any

from es_hybrid.cleaning import MAX_CHARS, LoneSurrogate, clean_text
from ingest.cleaning.problems import FieldProblem, FieldWarning, Warn, kind_of

# Elasticsearch's limit, in bytes of UTF-8.
MAX_KEYWORD_BYTES = 32_766


def text_of(field: str, value: Any, warn: Warn) -> str:
    """Cleaned text of a scalar; numbers in their usual notation."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return _scalar(field, value)
    if len(value) > MAX_CHARS:
        kept = f"only the first {MAX_CHARS:,} are kept"
        warn(FieldWarning(field, "too long", f"{len(value):,} characters; {kept}"))
    try:
        return clean_text(value)
    except LoneSurrogate as error:
        raise FieldProblem(
            field, "not Unicode", str(error), "write the file in valid UTF-8"
        ) from None


def keyword_of(field: str, value: Any, warn: Warn) -> str:
    """Cleaned text that is short enough for a keyword field."""
    text = text_of(field, value, warn)
    if len(text) > MAX_KEYWORD_BYTES // 4 and len(text.encode()) > MAX_KEYWORD_BYTES:
        size = f"{len(text.encode()):,} bytes"
        limit = f"Elasticsearch allows {MAX_KEYWORD_BYTES:,}"
        raise FieldProblem(field, "too long", f"{size}, {limit}", "shorten it")
    return text


def _scalar(field: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isnan(value):  # data frames write a missing value so
            return ""
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, int | Decimal):
        return str(value)
    if isinstance(value, date | time):
        return value.isoformat()
    raise FieldProblem(
        field, "not text", f"is {kind_of(value)}", "write text, or map another column to it"
    )
