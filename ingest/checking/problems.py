"""Rejected rows, grouped by what mends them."""

from __future__ import annotations

import dataclasses

from es_hybrid.errors import RowError

_SHOWN = 3


@dataclasses.dataclass(slots=True)
class Group:
    """Rows with the same problem.

    Attributes:
        field: The product field that is wrong; empty where the row cannot be read.
        first: The first messages, with their places.
    """

    field: str
    remedy: str
    rows: int = 0
    first: list[str] = dataclasses.field(default_factory=list)


class Problems:
    """Counts rows by field and remedy: messages quote values, so each may be another one."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], Group] = {}

    def add(self, problem: RowError) -> None:
        """Count a rejected row."""
        key = (problem.field, problem.remedy)
        group = self._groups.setdefault(key, Group(*key))
        group.rows += 1
        if len(group.first) < _SHOWN:
            group.first.append(str(problem).removesuffix(f"; {problem.remedy}"))

    def groups(self) -> list[Group]:
        """The most frequent first."""
        return sorted(self._groups.values(), key=lambda group: -group.rows)
