"""`es-hybrid model` and `es-hybrid rerank`, run as a shell would."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.commands.model import model
from es_hybrid.commands.rerank import rerank
from es_hybrid.errors import RerankError, SettingsError


def run(command: object, *arguments: object, stdin: str = "") -> Result:
    runner = CliRunner(catch_exceptions=False)
    return runner.invoke(command, [str(a) for a in arguments], input=stdin)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "model"
    result = run(model, "export", checkpoint, folder)
    assert result.exit_code == 0
    assert "passed on cpu: max |Δ|" in result.stdout
    assert "layer 3 of 3" in result.stderr
    return folder


def test_info(exported: Path, checkpoint: Path) -> None:
    shown = run(model, "info", exported)
    assert "passed on cpu" in shown.stdout
    described = json.loads(run(model, "info", exported, "--json").stdout)
    assert described["source"] == str(checkpoint)
    assert described["parity"]["passed"] is True


def test_verify_with_another_model_exits_1(exported: Path, tmp_path: Path) -> None:
    from .conftest import make_checkpoint

    copy = tmp_path / "copy"
    copy.mkdir()
    for file in exported.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    other = make_checkpoint(tmp_path / "other", initializer_range=0.3)
    result = run(model, "verify", copy, "--reference", other)
    assert result.exit_code == 1
    assert "failed on cpu" in result.stdout
    with pytest.raises(RerankError, match="differs from its original"):
        run(rerank, "camera", "--model", copy, stdin="x\n")


def test_bench(exported: Path) -> None:
    result = run(model, "bench", exported, "--calls", 2, "--words", 3)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["1", "4", "8", "50"]
    assert "running on cpu" in result.stderr


def test_rerank_a_file(exported: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("camera\n\n  电子秤 \nkettle\n", encoding="utf-8")
    result = run(rerank, "camera", file, "--model", exported)
    rows = [line.split() for line in result.stdout.splitlines()]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert sorted(row[2] for row in rows) == ["camera", "kettle", "电子秤"]
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)


def test_rerank_standard_input_as_json(exported: Path) -> None:
    result = run(rerank, "camera", "--model", exported, "--json", stdin="a\nb\n")
    answer = json.loads(result.stdout)
    assert answer["provider"] == "cpu"
    assert answer["fell_back"] is False
    assert {one["text"] for one in answer["results"]} == {"a", "b"}
    best = answer["results"][0]["score"]
    above = run(
        rerank, "camera", "--model", exported, "--json", "--threshold", best - 1e-6, stdin="a\nb\n"
    )
    assert len(json.loads(above.stdout)["results"]) < 3
    assert json.loads(above.stdout)["results"][0]["score"] == best


def test_rerank_without_a_model_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SettingsError, match="es-hybrid model export"):
        run(rerank, "camera", stdin="x\n")


def test_source_that_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(RerankError, match="neither a folder nor a hub id"):
        run(model, "export", "no such thing", tmp_path / "out")
