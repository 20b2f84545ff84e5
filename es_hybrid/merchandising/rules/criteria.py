"""Whether a fact meets a criterion, exactly as in Elasticsearch's query rules.

Source: `QueryRuleCriteria` and `QueryRuleCriteriaType` of Elasticsearch 9, and Lucene's
`LevenshteinDistance`. Case, accents and spaces count: the caller cleans what it compares.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Callable, Sequence
from decimal import Decimal
from operator import ge, gt, le, lt
from typing import Any, Literal

from rapidfuzz.distance import Levenshtein

CriterionType = Literal[
    "always", "contains", "exact", "fuzzy", "gt", "gte", "lt", "lte", "prefix", "suffix"
]

# What Java reads as a number; Python also takes `1_000`, `inf` and digits of other scripts.
_NUMBER = re.compile(r"[+-]?(?:NaN|Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
_SPACES = "".join(map(chr, range(33)))

ORDERS: dict[str, Callable[[float, float], bool]] = {"gt": gt, "gte": ge, "lt": lt, "lte": le}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "fuzzy": lambda text, value: is_similar(text, value),
    "prefix": str.startswith,
    "suffix": str.endswith,
}


def matches(kind: CriterionType, values: Sequence[str | float], fact: Any) -> bool:
    """Whether a fact meets one of the values.

    A fact that has the wrong type for the criterion meets none: `gt` and the like compare numbers,
    also written as text, `exact` texts and numbers, the others texts only.

    >>> matches("exact", ["12345"], 12345)
    True
    """
    if kind == "always":
        return True
    if kind in ORDERS:
        number, met = number_of(fact), ORDERS[kind]
        bounds = map(number_of, values)
        return number is not None and any(
            bound is not None and met(number, bound) for bound in bounds
        )
    if kind == "exact":
        return any(_is_equal(fact, value) for value in values)
    test = _TEXTS[kind]
    return isinstance(fact, str) and any(
        isinstance(value, str) and test(fact, value) for value in values
    )


def number_of(value: Any) -> float | None:
    """The number that a value is or says, as Java reads it; None if it is none.

    >>> number_of(" 1e3 "), number_of("1_000")
    (1000.0, None)
    """
    if isinstance(value, str):
        text = value.strip(_SPACES)
        text = text[:-1] if text[-1:] in tuple("dDfF") else text
        return float(text) if _NUMBER.fullmatch(text) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return math.inf if value > 0 else -math.inf


def is_similar(one: str, two: str) -> bool:
    """Whether less than half of the longer text has to change: Levenshtein, in UTF-16 units."""
    length = max(map(len, (left := _units(one), right := _units(two))))
    if not left or not right:
        return not length
    return 2 * Levenshtein.distance(left, right, score_cutoff=length // 2) < length


def _is_equal(fact: Any, value: str | float) -> bool:
    if isinstance(fact, bool) or not isinstance(fact, str | int | float):
        return False
    if isinstance(value, str):
        return text_of(fact) == value
    return number_of(fact) == value


def text_of(fact: str | float) -> str:
    """A text, or a number as Java writes it.

    >>> text_of(12345), text_of(1.5), text_of(12345678.9)
    ('12345', '1.5', '1.23456789E7')
    """
    if not isinstance(fact, float) or 1e-3 <= abs(fact) < 1e7 or not fact or fact * 0 != 0:
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}.get(str(fact), str(fact))
    sign, digits, exponent = Decimal(repr(fact)).normalize().as_tuple()
    written = "".join(map(str, digits))
    power = len(written) - 1 + int(exponent)
    return f"{'-' * sign}{written[0]}.{written[1:] or '0'}E{power}"


def _units(text: str) -> str | array[int]:
    """The UTF-16 units of a text, which Java counts."""
    if text.isascii() or max(text) <= "\uffff":
        return text
    return array("H", text.encode("utf-16-le"))
