from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from es_hybrid.errors import StorageError
from es_hybrid.files import (
    drop_half_line,
    is_locked,
    lock,
    locked_for_appending,
    replace_file,
    writable,
)

# On Windows there is no fcntl.
IMPORT_ALL = """
import importlib, pkgutil, sys
sys.modules["fcntl"] = None
for name in ("es_hybrid", "ingest"):
    for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            assert error.name != "fcntl", module.name
        except Exception as error:
            assert type(error).__name__ == "MissingExtra", (module.name, error)
"""


def test_every_module_can_be_imported_without_fcntl() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORT_ALL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_lock_is_exclusive_unless_shared(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not is_locked(path)
    path.touch()
    first, second = (os.open(path, os.O_RDWR) for _ in range(2))
    assert lock(first, shared=True)
    assert lock(second, shared=True)
    assert not is_locked(path)
    os.close(second)
    assert lock(first)
    assert is_locked(path)
    os.close(first)
    assert not is_locked(path)


def test_appending_creates_a_private_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with locked_for_appending(path) as file:
        file.write(b"one\n")
        assert is_locked(path)
    with locked_for_appending(path) as file:
        file.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not is_locked(path)


def test_replacing_keeps_the_old_content_for_its_readers(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with path.open() as reader:
        replace_file(path, b"new")
        assert reader.read() == "old"
    assert path.read_text() == "new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [found.name for found in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("half", [b"", b"x", b"x" * 200_000])
@pytest.mark.parametrize("whole", [b"", b"one\n", b"one\n" + b"y" * 100_000 + b"\n"])
def test_only_the_unfinished_last_line_is_dropped(
    tmp_path: Path, whole: bytes, half: bytes
) -> None:
    """However long it is."""
    path = tmp_path / "lines"
    path.write_bytes(whole + half)
    with path.open("r+b") as file:
        drop_half_line(file)
    assert path.read_bytes() == whole


def test_a_file_that_cannot_be_written_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    with (
        pytest.raises(StorageError, match="cannot be written") as failed,
        writable(tmp_path, remedy="choose another"),
    ):
        tmp_path.write_bytes(b"")
    assert failed.value.place == str(tmp_path)
    assert failed.value.remedy == "choose another"
