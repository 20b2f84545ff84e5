from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from es_hybrid.errors import IndexStateError, StorageError
from ingest.record.loads import is_locked, lock_index

HOLD = """
import sys, pathlib, ingest.record.loads
with ingest.record.loads.lock_index(pathlib.Path(sys.argv[1]), "shop"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_another_process_is_named_and_its_death_frees_the_lock(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        assert is_locked(tmp_path, "shop")
        with (
            pytest.raises(IndexStateError, match=rf"locked by process {holder.pid} since 20"),
            lock_index(tmp_path, "shop"),
        ):
            pass
        with lock_index(tmp_path, "another"):
            pass
        os.kill(holder.pid, signal.SIGKILL)
    assert not is_locked(tmp_path, "shop")
    with lock_index(tmp_path, "shop"):
        assert is_locked(tmp_path, "shop")


def test_a_folder_without_locks(tmp_path: Path) -> None:
    assert not is_locked(tmp_path / "none", "shop")


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match=r"cannot be written: .*set ingest\.ledger_dir"),
        lock_index(tmp_path / "file", "shop"),
    ):
        pass
