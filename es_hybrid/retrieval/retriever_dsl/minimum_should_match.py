"""Elasticsearch's `minimum_should_match`."""

from __future__ import annotations

import re
from typing import Any

_AROUND_LESS = re.compile(r"\s*<\s*")


def least_matches(clauses: int, given: Any) -> int:
    """Number of optional clauses that must match: `2`, `-1`, `75%`, `-25%`, `2<-25% 9<-3`.

    Args:
        clauses: Number of optional clauses.
        given: As written; None: 0. So is what Elasticsearch refuses.
    """
    if given is None or isinstance(given, bool):
        return 0
    try:
        return max(0, _least(clauses, str(given).strip()))
    except ValueError:
        return 0


def _least(clauses: int, specification: str) -> int:
    if "<" not in specification:
        return _simple(clauses, specification)
    result = clauses
    for part in _AROUND_LESS.sub("<", specification).split():
        bound, _, then = part.partition("<")
        if clauses <= int(bound):
            break
        result = _simple(clauses, then)
    return result


def _simple(clauses: int, specification: str) -> int:
    """A number or a percentage; negative: so many may be missing."""
    if specification.endswith("%"):
        share = clauses * int(specification[:-1]) / 100
        return int(share) if share >= 0 else clauses + int(share)  # towards zero, as in Java
    number = int(specification)
    return clauses + number if number < 0 else number
