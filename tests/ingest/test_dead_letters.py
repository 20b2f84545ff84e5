from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import RowError, SettingsError
from ingest.dead_letters import DeadLetters
from ingest.sources import Row

PROBLEM = RowError("no price", place="a.csv:2", remedy="give one")


def test_no_rejection_no_file(tmp_path: Path) -> None:
    with DeadLetters(tmp_path / "dead.jsonl"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_an_entry_is_there_at_once_complete_and_private(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    with DeadLetters(path) as letters:
        letters.write(Row("a.csv:2", {"id": "7"}), PROBLEM, row_id="7", stage="clean")
        entry = json.loads(path.read_text())
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "place": "a.csv:2",
        "id": "7",
        "stage": "clean",
        "reason": "no price",
        "remedy": "give one",
        "row": {"id": "7"},
    }


def test_a_second_load_appends_and_any_row_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    rows: list[dict[Any, Any]] = [{"id": "half \ud83d"}, {"id": 2**70}, {1: b"bytes"}]
    for values in rows:
        with DeadLetters(path) as letters:
            letters.write(Row("p", values), PROBLEM, row_id="", stage="clean")
    unreadable = Row("a.jsonl:1", problem=PROBLEM, raw="{cut")
    with DeadLetters(path) as letters:
        letters.write(unreadable, PROBLEM, row_id="", stage="read")
    found = [json.loads(line)["row"] for line in path.read_text().splitlines()]
    assert found == [{"id": "half \ud83d"}, {"id": 2**70}, {"1": "b'bytes'"}, "{cut"]


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "none" / "dead.jsonl")
    with pytest.raises(SettingsError, match="name another file with --dead-letters"):
        letters.write(Row("p"), PROBLEM, row_id="", stage="clean")
