"""Skips these tests if extras are not installed; in CI that is an error."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.reranking.checkpoints import Reference

NEEDED = ("onnx", "onnxruntime", "safetensors", "scipy", "tokenizers", "torch", "transformers")
MISSING = [name for name in NEEDED if importlib.util.find_spec(name) is None]
if MISSING and os.environ.get("CI") == "true":
    raise RuntimeError(f"in CI these tests must run; not installed: {', '.join(MISSING)}")
collect_ignore_glob = ["test_*.py", "export/test_*.py"] if MISSING else []


def pytest_report_header() -> str:
    if MISSING:
        missing = ", ".join(MISSING)
        return f"tests/reranking skipped: {missing} not installed (extras local, export)"
    return "tests/reranking: all parts installed"


@pytest.fixture(scope="session")
def reference() -> Callable[..., Reference]:
    def load(folder: Path, side: str = "left") -> Reference:
        import transformers

        return Reference(
            transformers.Qwen3ForCausalLM.from_pretrained(folder, torch_dtype="float32").eval(),
            transformers.Qwen2TokenizerFast.from_pretrained(folder, padding_side=side),
        )

    return load
