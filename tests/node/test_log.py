"""Reading the log of a node."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from es_hybrid.node.log import follow, last_lines


def test_the_last_lines_in_order(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    log.write_bytes("one\ntwo\r\nthree é\nfour".encode() + b"\xff")
    assert last_lines(log, 3) == ["two", "three é", "four\ufffd"]
    assert last_lines(log, 0) == []
    assert last_lines(tmp_path / "absent", 3) == []


def test_follow_yields_new_lines_and_continues_after_a_restart(tmp_path: Path) -> None:
    log = tmp_path / "node.log"
    log.write_bytes(b"old\nlast\nhal")
    lines = follow(log, 2)
    assert next(lines) == "last"
    with log.open("ab") as file:
        # The rest of a line, and a character cut in two by the writer's buffer.
        file.write(b"f\ncaf\xc3")
        file.flush()
        assert next(lines) == "half"
        file.write(b"\xa9\n")
    assert next(lines) == "café"
    with log.open("ab") as file:
        file.write(b"its last words\n")
    log.rename(tmp_path / "node.log.1")
    log.write_bytes(b"new start\nready\n")
    assert list(islice(lines, 3)) == ["its last words", "new start", "ready"]


def test_following_no_log_fails(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        next(follow(tmp_path / "absent", 1))
