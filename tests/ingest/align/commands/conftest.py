from __future__ import annotations

from pathlib import Path

import pytest

from tests.align.catalogue import groups, run, write, write_truth


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture(scope="module")
def aligned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample catalogue's whole products, aligned once: folder of `s.sqlite`, `truth.tsv`."""
    folder = tmp_path_factory.mktemp("aligned")
    rows = groups(25)
    write(folder / "p.jsonl", rows)
    write_truth(folder / "truth.tsv", rows)
    result = run("align", "run", folder / "p.jsonl", "--store", folder / "s.sqlite")
    assert result.exit_code == 0, result.output
    return folder
