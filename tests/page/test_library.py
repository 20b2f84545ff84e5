"""The parts of the library that need no cluster."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.experiments.event_log import EventLog, query_record
from es_hybrid.page.library import Library
from es_hybrid.settings import load_settings


def _library(folder: Path, **experiment: object) -> Library:
    return Library(load_settings(flags={"experiment": {"log": folder, **experiment}}))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log as `serve` writes it."""
    events = EventLog(tmp_path, lambda _outcome, _count: None)
    for number, query in enumerate(("kettle", "boots", "kettle", "red shirt")):
        events.add(query_record(f"q{number}", query, ["1"], {}) | {"timestamp": f"2026-0{number}"})
    events.close()
    return tmp_path


def test_the_last_queries_come_from_the_log_each_once(log: Path) -> None:
    library = _library(log)
    assert library.last_queries(10) == ["red shirt", "kettle", "boots"]
    assert library.last_queries(1) == ["red shirt"]


def test_of_a_long_log_only_the_end_is_read(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("es_hybrid.page.library._TAIL", 260)  # one record and a part of another
    assert _library(log).last_queries(10) == ["red shirt"]


def test_without_a_log_of_texts_there_are_no_queries(log: Path) -> None:
    assert _library(log, hash_key="0123456789abcdef").last_queries(10) == []
    assert Library(load_settings()).last_queries(10) == []


def test_an_unreadable_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "ubi-2026-01-01.jsonl").mkdir()
    with pytest.raises(EvaluationError) as refused:
        _library(tmp_path).last_queries(10)
    assert "ubi-2026-01-01.jsonl" in refused.value.place
