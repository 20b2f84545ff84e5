"""Exports pairs and groups to files for other programs and spreadsheets."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson

from es_hybrid.align.journal import Journal
from es_hybrid.align.records import PairRecord
from es_hybrid.align.store import writing
from es_hybrid.errors import AlignError
from es_hybrid.records import Product

__all__ = ["check_target", "group_rows", "pair_row", "write_groups", "write_pairs"]

# Spreadsheets treat a cell that starts with one of these as a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SUFFIXES = (".jsonl", ".csv")
_GROUP_FIELDS = ("title", "lang", "sku", "gtin", "brand")


def check_target(path: Path | None) -> None:
    """Check the name of a target file before anything is computed.

    Raises:
        AlignError: it ends in neither .jsonl nor .csv, or its folder does not exist.
    """
    if path is None:
        return
    if path.suffix not in _SUFFIXES:
        raise AlignError(
            "the name does not show the format", place=str(path), remedy="end it in .jsonl or .csv"
        )
    if not path.absolute().parent.is_dir():
        raise AlignError("no such folder", place=str(path.parent), remedy="create it first")


def write_pairs(store: Path, target: Path) -> int:
    """Write every pair, most likely first, and return their number.

    Raises:
        AlignError: it cannot be written.
    """
    return _write(map(pair_row, Journal(store).records()), target)


def write_groups(store: Path, target: Path) -> int:
    """Write a row for each product of a group, and return the number of groups.

    Raises:
        AlignError: it cannot be written.
    """
    rows = list(group_rows(Journal(store)))
    _write(rows, target)
    return len({row["group_id"] for row in rows})


def pair_row(record: PairRecord) -> dict[str, Any]:
    """A pair for JSON, with stages as `{"knn": {"rank": 1, "score": 0.9}}`."""
    return asdict(record)


def group_rows(journal: Journal) -> Iterator[dict[str, Any]]:
    """Rows by group: side, id, and the fields that identify the product."""
    products = journal.products()
    by_group: defaultdict[str, list[tuple[str, Product]]] = defaultdict(list)
    for member, name in journal.groups().items():
        if member.id in products[member.side]:
            by_group[name].append((member.side, products[member.side][member.id]))
    for name, members in sorted(by_group.items()):
        for side, product in sorted(members, key=lambda each: (each[0], each[1].id)):
            named = {field: getattr(product, field) for field in _GROUP_FIELDS}
            yield {"group_id": name, "side": side, "id": product.id, **named}


def _write(rows: Iterable[Mapping[str, Any]], target: Path) -> int:
    """Write a file that only its owner can read, because it contains names of people."""
    count = 0
    with writing(target):
        target.touch(mode=0o600)
        with target.open("w", encoding="utf-8-sig" if target.suffix == ".csv" else "utf-8",
                         newline="") as file:  # fmt: skip
            table = csv.writer(file)
            for count, row in enumerate(rows, 1):
                if target.suffix == ".jsonl":
                    file.write(orjson.dumps(row).decode() + "\n")
                    continue
                if count == 1:
                    table.writerow(row)
                table.writerow([_cell(value) for value in row.values()])
    return count


def _cell(value: Any) -> str:
    """A value as text, with an apostrophe before what a spreadsheet would take for a formula."""
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value))
    text = orjson.dumps(value).decode() if isinstance(value, dict) else str(value)
    if isinstance(value, float | int):
        return text
    return f"'{text}" if text.startswith(_FORMULA) else text
