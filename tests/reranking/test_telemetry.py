"""ONNX Runtime reports nothing to anyone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("onnxruntime", reason='pip install ".[local]"')

# ONNX Runtime reports nothing in CI; there is no such variable here.
ENVIRONMENT = {
    name: value
    for name, value in os.environ.items()
    if name in ("PATH", "HOME", "PYTHONPATH", "LD_LIBRARY_PATH")
}


def _left_behind(module: str, folder: Path) -> list[Path]:
    command = [sys.executable, "-c", f"import {module}"]
    subprocess.run(command, check=True, env={**ENVIRONMENT, "TMPDIR": str(folder)})
    return list(folder.iterdir())


@pytest.mark.parametrize("module", ["session", "qwen3", "classifier"])
def test_no_identifier_is_written(module: str, tmp_path: Path) -> None:
    assert _left_behind(f"es_hybrid.reranking.{module}", tmp_path) == []
