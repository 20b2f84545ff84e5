from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from es_hybrid.errors import SourceError
from ingest.sources import fingerprint


def test_a_fingerprint_tells_a_changed_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    content = b"head" + b"x" * 300_000 + b"tail"
    seen = set()
    for change in (content, b"Head" + content[4:], content[:-4] + b"Tail", content + b"!"):
        path.write_bytes(change)
        os.utime(path, ns=(1, 1))  # the time alone must not be what tells
        seen.add(fingerprint(str(path)))
        assert fingerprint(str(path)) in seen
    os.utime(path, ns=(2, 2))
    seen.add(fingerprint(str(path)))
    assert len(seen) == 5


def test_of_a_member_it_is_the_archive_s(tmp_path: Path) -> None:
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a.csv", "id,title\n1,t\n")
    assert fingerprint(f"{archive}!a.csv") == fingerprint(str(archive))


def test_pipes_and_indices_have_no_fingerprint(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert fingerprint("-") is None
    assert fingerprint(str(tmp_path / "pipe")) is None
    assert fingerprint("es://products") is None


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        fingerprint(str(tmp_path / "none.csv"))
