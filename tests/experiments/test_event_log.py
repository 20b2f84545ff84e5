"""The log of searches and events."""

from __future__ import annotations

import stat
from collections import Counter
from pathlib import Path

import orjson
import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.experiments import event_log
from es_hybrid.experiments.event_log import EventLog, event_record, query_record


@pytest.fixture
def counted() -> Counter[str]:
    return Counter()


def _open(folder: Path, counted: Counter[str]) -> EventLog:
    return EventLog(folder, lambda outcome, number: counted.update({outcome: number}))


def test_records_are_lines_of_a_private_file(tmp_path: Path, counted: Counter[str]) -> None:
    log = _open(tmp_path / "log", counted)
    records = [
        query_record("q1", "red shoes", ["1", "2"], {"x": 1}),
        event_record("q1", "click", "2", 2),
    ]
    assert all(log.add(record) for record in records)
    log.close()
    (file,) = (tmp_path / "log").iterdir()
    assert [orjson.loads(line) for line in file.read_bytes().splitlines()] == records
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert counted == {"written": 2}
    assert not log.add(records[0])


def test_a_key_hides_the_query_and_equal_queries_stay_equal() -> None:
    def text(query: str, key: str) -> str:
        found = query_record("q", query, [], {}, hash_key=key)["user_query"]
        assert isinstance(found, str)
        return found

    assert text("Red", "k" * 16) == text("red", "k" * 16) != text("red", "l" * 16)
    assert "red" not in text("red", "k" * 16)


def test_a_file_that_is_full_takes_nothing_more(
    tmp_path: Path, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _open(tmp_path, counted)
    monkeypatch.setattr(event_log, "MAX_FILE", 10)
    assert log.add(event_record("q", "click", "1", 1))
    log.close()
    assert counted == {"dropped": 1}
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b""]


def test_a_disk_that_fails_is_survived(
    tmp_path: Path, counted: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = _open(tmp_path / "log", counted)
    monkeypatch.setattr(event_log, "_opened", lambda folder: (_ for _ in ()).throw(OSError(28, "")))
    assert log.add(event_record("q", "click", "1", 1))
    log.close()
    assert counted == {"dropped": 1}


def test_a_folder_that_cannot_be_used_is_refused_at_the_start(
    tmp_path: Path, counted: Counter[str]
) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"experiment\.log"):
        _open(tmp_path / "file", counted)
