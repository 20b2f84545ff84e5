"""Groups rejected rows by field and remedy."""

from __future__ import annotations

import dataclasses

from es_hybrid.errors import RowError

_SHOWN = 3


@dataclasses.dataclass(slots=True)
class ProblemGroup:
    """Rows with the same problem.

    Attributes:
        field: The invalid product field; empty if the row cannot be read.
        first: The first messages with their places.
    """

    field: str
    remedy: str
    rows: int = 0
    first: list[str] = dataclasses.field(default_factory=list)


class Problems:
    """Counts rejected rows by field and remedy, because messages quote values and differ."""

    def __init__(self) -> None:
        self._groups: dict[tuple[str, str], ProblemGroup] = {}

    def add(self, problem: RowError) -> None:
        """Count a rejected row."""
        key = (problem.field, problem.remedy)
        group = self._groups.setdefault(key, ProblemGroup(*key))
        group.rows += 1
        if len(group.first) < _SHOWN:
            group.first.append(str(problem).removesuffix(f"; {problem.remedy}"))

    def groups(self) -> list[ProblemGroup]:
        """The groups, most frequent first."""
        return sorted(self._groups.values(), key=lambda group: -group.rows)
