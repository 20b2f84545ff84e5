"""The dialects of CSV: delimiters, and quotes after a backslash."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

_DELIMITERS = ",;\t|"
# Excel's own line before the header.
_SEP_LINE = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_BACKSLASHED = re.compile(r'\\(["\\])')


def sep_line(line: str) -> str | None:
    """The delimiter that a first line `sep=;` names."""
    found = _SEP_LINE.fullmatch(line)
    return found[1] if found else None


def find_delimiter(lines: Sequence[str], *, default: str = ",") -> str:
    """The delimiter that splits the lines into the most columns of the same number.

    Args:
        lines: The header and the first rows. Only delimiters in the header are considered.
        default: What a header of one column has.
    """
    scores = {delimiter: _score(lines, delimiter) for delimiter in _DELIMITERS}
    best = max(scores, key=lambda delimiter: scores[delimiter])
    return best if scores[best] else default


def _score(lines: Sequence[str], delimiter: str) -> float:
    """The number of columns after the first, times the share of rows that have as many."""
    try:
        counts = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
    except csv.Error:
        counts = [line.count(delimiter) + 1 for line in lines]
    if not counts:
        return 0.0
    columns, *rows = counts
    return (columns - 1) * (1 + rows.count(columns)) / (1 + len(rows))


def has_backslash_quotes(lines: Sequence[str]) -> bool:
    """Whether a quote follows a backslash, as MySQL and PHP write it."""
    return any('\\"' in line for line in lines)


def with_doubled_quotes(line: str) -> str:
    """A line in which a backslash quotes the next quote or backslash, as RFC 4180 writes it."""
    return _BACKSLASHED.sub(lambda found: '""' if found[1] == '"' else "\\", line)
