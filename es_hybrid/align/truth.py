"""The truth about which products are the same, from a table made by people."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from es_hybrid.errors import AlignError

__all__ = ["Truth", "read_truth"]

_YES = frozenset({"", "1", "true", "yes", "y"})
_NO = frozenset({"0", "false", "no", "n"})
_FORMS = "`id, group`, `left, right[, same]`, or one group per row: its name, then its ids"


@dataclass(frozen=True, slots=True)
class Truth:
    """Groups of ids, or single pairs.

    Attributes:
        groups: Id -> its group; empty if the table judges single pairs.
        pairs: Sorted ids -> whether both are the same; empty if the table lists groups.
    """

    groups: Mapping[str, str]
    pairs: Mapping[tuple[str, str], bool]

    def same(self, left_id: str, right_id: str) -> bool | None:
        """Whether both are the same product; None if the table does not say."""
        if self.groups:
            left, right = self.groups.get(left_id), self.groups.get(right_id)
            return None if left is None or right is None else left == right
        return self.pairs.get(_ordered(left_id, right_id))

    def right_pairs(self) -> Iterator[tuple[str, str]]:
        """Every pair that is the same product, with sorted ids."""
        if not self.groups:
            yield from (pair for pair, same in self.pairs.items() if same)
            return
        members: dict[str, list[str]] = {}
        for id_, group in self.groups.items():
            members.setdefault(group, []).append(id_)
        for ids in members.values():
            yield from (_ordered(*pair) for pair in combinations(ids, 2))


def read_truth(path: Path) -> Truth:
    """Read a TSV or CSV with a header.

    Its columns are `id` and `group`; or `left`, `right` and optionally `same` (1 or 0; without it
    all are the same); or the name of a group and then its ids, e.g. a column for each language.

    Raises:
        AlignError: it is none of these, or an id is in two groups.
    """
    rows = list(_rows(path))
    if len(rows) < 2:
        raise AlignError("no rows below the header", place=str(path), remedy=f"use {_FORMS}")
    header = [name.strip().casefold() for name in rows[0]]
    if header[:2] == ["left", "right"]:
        return Truth({}, _judged(path, rows[1:]))
    if header == ["id", "group"]:
        return Truth(_groups(path, ((row[1], [row[0]]) for row in rows[1:])), {})
    if len(header) < 3:
        raise AlignError(
            f"unknown columns: {', '.join(header)}",
            place=str(path),
            remedy=f"use {_FORMS}",
        )
    return Truth(_groups(path, ((row[0], row[1:]) for row in rows[1:])), {})


def _groups(path: Path, rows: Iterable[tuple[str, Sequence[str]]]) -> dict[str, str]:
    groups: dict[str, str] = {}
    for name, ids in rows:
        for id_ in filter(None, map(str.strip, ids)):
            if groups.setdefault(id_, name) != name:
                raise AlignError(
                    f"{id_} is in the groups {groups[id_]} and {name}",
                    place=str(path),
                    remedy="remove one of them",
                )
    return groups


def _judged(path: Path, rows: Iterable[Sequence[str]]) -> dict[tuple[str, str], bool]:
    pairs = {}
    for number, row in enumerate(rows, 2):
        same = row[2].strip().casefold() if len(row) > 2 else ""
        if len(row) < 2 or same not in _YES | _NO:
            raise AlignError(
                "not `left, right, same` with 1 or 0 as same",
                place=f"{path}:{number}",
                remedy="correct that line",
            )
        pairs[_ordered(row[0].strip(), row[1].strip())] = same in _YES
    return pairs


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AlignError(
            f"cannot be read: {error}", place=str(path), remedy="use a TSV or CSV file in UTF-8"
        ) from None
    delimiter = "\t" if "\t" in text.partition("\n")[0] else ","
    yield from (row for row in csv.reader(text.splitlines(), delimiter=delimiter) if any(row))


def _ordered(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one <= other else (other, one)
