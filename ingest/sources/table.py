"""The columns of a table whose first row names them: CSV, TSV and workbooks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any


class Columns:
    """The columns that a header names.

    A column without a name and columns of the same name are not read: nothing can name the one that
    is meant.

    Attributes:
        found: The names in the header.
    """

    def __init__(self, header: Iterable[str]) -> None:
        self.found = [_cleaned(name) for name in header]
        counts = Counter(self.found)
        self._names = [name if counts[name] == 1 else "" for name in self.found]
        self._all_read = "" not in self._names

    def __len__(self) -> int:
        return len(self.found)

    def values(self, fields: Sequence[Any]) -> dict[str, Any]:
        """The fields of a row by column name; an empty field counts as missing."""
        values = {
            name: value for name, value in zip(self._names, fields, strict=False) if value != ""
        }
        if not self._all_read:
            values.pop("", None)
        return values


def is_blank(fields: Sequence[Any]) -> bool:
    """Whether a row consists of delimiters and blanks."""
    return not any(fields) or not any(str(field).strip() for field in fields)


def _cleaned(name: str) -> str:
    """A column's name on one line."""
    return " ".join(name.split()) if "\n" in name or "\r" in name else name.strip()
