from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from es_hybrid.errors import SettingsError
from es_hybrid.understanding.synonym_file import (
    SynonymFile,
    open_synonyms,
    read_synonyms,
    synonyms_set,
)


class Clock:
    """A clock that a test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def _write(path: Path, text: str) -> Path:
    """Write with a time of its own: two writes may fall into one tick of the file system."""
    version = path.stat().st_mtime_ns if path.exists() else 0
    path.write_text(text, encoding="utf-8")
    os.utime(path, ns=(version + 1_000_000, version + 1_000_000))
    return path


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    clock = Clock()
    file = SynonymFile(_write(tmp_path / "s.txt", "sofa, couch"), clock=clock)
    before = file.rules
    assert before.find("couch")
    due = [file.is_due]
    clock.now = 3.0
    due.append(file.is_due)
    file.refresh()
    assert [*due, file.is_due] == [False, True, False]
    assert file.rules is before, "it did not change"
    _write(tmp_path / "s.txt", "chair, stool")
    file.refresh()
    assert file.rules.find("stool")
    assert not file.rules.find("couch")


def test_a_broken_file_leaves_the_rules_and_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s.txt"
    file = SynonymFile(_write(path, "sofa, couch"))
    caplog.set_level(logging.WARNING)
    _write(path, "sofa, couch\na => b => c")
    file.refresh()
    file.refresh()
    assert file.rules.find("couch")
    [record] = caplog.records
    assert f"{path}:2: more than one =>" in record.getMessage()
    path.unlink()
    file.refresh()
    assert file.rules.find("couch")
    assert "No such file" in caplog.records[-1].getMessage()
    _write(path, "chair, stool")
    file.refresh()
    assert file.rules.find("chair")


def test_the_setting_names_a_file_or_a_set(tmp_path: Path) -> None:
    assert open_synonyms("") is None
    assert open_synonyms("es://shop") is None
    assert synonyms_set("es://shop") == "shop"
    assert synonyms_set("es.txt") is None
    assert open_synonyms(str(_write(tmp_path / "s.txt", "a, b"))) is not None


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file") as caught:
        open_synonyms(str(tmp_path / "none.txt"))
    assert caught.value.place.endswith("none.txt")
    (tmp_path / "latin.txt").write_bytes("sofa, couch\nMütze, Kappe".encode("latin-1"))
    with pytest.raises(SettingsError, match="not UTF-8") as caught:
        read_synonyms(tmp_path / "latin.txt")
    assert caught.value.place.endswith("latin.txt:2")
    (tmp_path / "large.txt").write_bytes(b"#" * (16 * 1024 * 1024 + 1))
    with pytest.raises(SettingsError, match="larger than 16 MiB"):
        read_synonyms(tmp_path / "large.txt")


def test_a_byte_order_mark_and_windows_lines_are_fine(tmp_path: Path) -> None:
    (tmp_path / "s.txt").write_bytes(b"\xef\xbb\xbfsofa, couch\r\ntv => television\r\n")
    rules = read_synonyms(tmp_path / "s.txt")
    assert len(rules.find("sofa tv")) == 2
