from __future__ import annotations

import json
import os
import stat
import threading
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import RowError, StorageError
from es_hybrid.files import lock, locked_for_appending
from ingest.record.dead_letters import DeadLetter, DeadLetters, replace_lines
from ingest.sources import Row

PROBLEM = RowError("no price", place="a.csv:2", remedy="give one", field="price")


def letter(number: int = 2, **values: Any) -> DeadLetter:
    return DeadLetter(Row(f"a.csv:{number}", values), PROBLEM, str(number), "clean", number)


def rows_of(path: Path) -> list[Any]:
    return [json.loads(line)["row"] for line in path.read_text().splitlines()]


def test_no_rejection_no_file(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "dead.jsonl", index="shop")
    letters.append([])
    assert letters.size == 0
    assert list(tmp_path.iterdir()) == []


def test_an_entry_is_complete_and_private(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    letters = DeadLetters(path, index="shop")
    letters.append([letter(7, id="7")])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert letters.size == len(path.read_bytes())
    entry = json.loads(path.read_text())
    assert entry.pop("time").endswith("+00:00")
    assert entry == {
        "index": "shop",
        "place": "a.csv:7",
        "id": "7",
        "stage": "clean",
        "field": "price",
        "reason": "no price",
        "remedy": "give one",
        "version": 7,
        "row": {"id": "7"},
    }


def test_dead_letters_are_on_disk_before_they_are_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dead.jsonl"
    synced: list[tuple[bool, int]] = []

    def fsync(descriptor: int) -> None:
        state = os.fstat(descriptor)
        synced.append((stat.S_ISDIR(state.st_mode), state.st_size))

    monkeypatch.setattr(os, "fsync", fsync)
    DeadLetters(path, index="shop").append([letter()])
    (folder_first, _), (is_folder, size) = synced
    assert folder_first
    assert not is_folder
    assert size == path.stat().st_size > 0


def test_a_second_load_appends_and_any_row_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    rows: list[dict[Any, Any]] = [{"id": "half \ud83d"}, {"id": 2**70}, {1: b"bytes"}]
    for values in rows:
        one = DeadLetter(Row("p", values), PROBLEM, "", "clean", 1)
        DeadLetters(path, index="shop").append([one])
    unreadable = Row("a.jsonl:1", problem=PROBLEM, raw="{cut")
    DeadLetters(path, index="shop").append([DeadLetter(unreadable, PROBLEM, "", "read", 2)])
    assert rows_of(path) == [{"id": "half \ud83d"}, {"id": 2**70}, {"1": "b'bytes'"}, "{cut"]


def test_a_load_that_goes_on_does_not_double_what_the_ledger_does_not_know(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    before = DeadLetters(path, index="shop")
    before.append([letter(1, n=1)])
    known = before.size
    before.append([letter(2, n=2)])
    with path.open("ab") as file:  # killed in the middle of a letter
        file.write(letter(3, n=3).encoded("shop")[:40])
    after = DeadLetters(path, index="shop", known_bytes=known)
    after.append([letter(2, n=2), letter(3, n=3), letter(4, n=4)])
    assert rows_of(path) == [{"n": 1}, {"n": 2}, {"n": 3}, {"n": 4}]


def test_rows_of_one_feed_version_are_distinguished(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    same = [DeadLetter(Row(f"a:{n}", {"n": n}), PROBLEM, "", "bulk", 5) for n in (1, 2)]
    DeadLetters(path, index="shop").append(same[:1])
    DeadLetters(path, index="shop", known_bytes=0).append(same)
    assert rows_of(path) == [{"n": 1}, {"n": 2}]


def test_replacing_keeps_what_is_added_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    letters = DeadLetters(path, index="shop")
    letters.append([letter(1, n=1), letter(2, n=2), letter(3, n=3)])
    first, second, _ = path.read_bytes().splitlines(keepends=True)
    waiting = threading.Thread(target=letters.append, args=[[letter(4, n=4)]])
    with locked_for_appending(path):
        waiting.start()
        waiting.join(0.2)
        assert waiting.is_alive()
        # The file is replaced under the lock that the other waits for.
        new = tmp_path / "new"
        new.write_bytes(second)
        new.replace(path)
    waiting.join(10)
    assert rows_of(path) == [{"n": 2}, {"n": 4}]
    replace_lines(path, {second: b"", first: b"not there"})
    assert rows_of(path) == [{"n": 4}]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["dead.jsonl"]


def test_the_lock_is_released(tmp_path: Path) -> None:
    path = tmp_path / "dead.jsonl"
    DeadLetters(path, index="shop").append([letter()])
    with path.open("r+b") as file:
        assert lock(file.fileno())


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    letters = DeadLetters(tmp_path / "none" / "dead.jsonl", index="shop")
    with pytest.raises(StorageError, match="choose another file with --dead-letters"):
        letters.append([letter()])
