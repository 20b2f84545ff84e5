"""Products of the sample catalogue without what gives their truth away, and the commands."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from es_hybrid.cli import main

ROWS: list[dict[str, Any]] = [
    json.loads(line)
    for line in files("es_hybrid.data").joinpath("products.jsonl").read_text("utf-8").splitlines()
]
KEPT = ("id", "lang", "title", "description", "brand", "category", "price", "currency")


def groups(count: int) -> list[dict[str, Any]]:
    """The rows of the first `count` products that have all five languages."""
    by_group: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in ROWS:
        by_group[row["group"]].append(row)
    whole = [rows for rows in by_group.values() if len(rows) == 5]
    return [row for rows in whole[:count] for row in rows]


def write(path: Path, rows: Sequence[dict[str, Any]], keys: Sequence[str] = KEPT) -> Path:
    """Write rows as JSONL, only these keys of each."""
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            line = {key: row[key] for key in keys if key in row}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
    return path


def write_truth(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    lines = ["id\tgroup", *(f"{row['id']}\t{row['group']}" for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def run(*arguments: str | Path, given: str | None = None) -> Result:
    """`es-hybrid` with these arguments, and what is typed."""
    return CliRunner().invoke(main, [str(each) for each in arguments], input=given)
