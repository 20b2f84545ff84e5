"""`es-hybrid model` and `es-hybrid rerank`, run as a shell would."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.commands.model import model
from es_hybrid.commands.rerank import rerank
from es_hybrid.errors import InvalidRequest, RerankError, SettingsError
from tests.reranking.checkpoints import make_checkpoint

onnxruntime = pytest.importorskip("onnxruntime", reason='pip install ".[local,export]"')
pytest.importorskip("torch", reason='pip install ".[local,export]"')

CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


def run(command: object, *arguments: object, stdin: str = "") -> Result:
    runner = CliRunner(catch_exceptions=False)
    return runner.invoke(command, [str(a) for a in arguments], input=stdin)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def exported(checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("command") / "model"
    result = run(model, "export", checkpoint, folder)
    assert result.exit_code == 0
    assert "passed on cpu: max |Δ|" in result.stdout
    assert "step 3 of 3" in result.stderr
    return folder


def test_info(exported: Path, checkpoint: Path) -> None:
    shown = run(model, "info", exported)
    assert "passed on cpu" in shown.stdout
    described = json.loads(run(model, "info", exported, "--json").stdout)
    assert described["source"] == str(checkpoint)
    assert described["parity"]["passed"] is True


def test_verify_with_another_model_exits_1(exported: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in exported.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    other = make_checkpoint(tmp_path / "other", initializer_range=0.3)
    result = run(model, "verify", copy, "--reference", other)
    assert result.exit_code == 1
    assert "failed on cpu" in result.stdout
    with pytest.raises(RerankError, match="differ from the original"):
        run(rerank, "camera", "--model", copy, stdin="x\n")


def test_bench(exported: Path) -> None:
    result = run(model, "bench", exported, "--calls", 2, "--words", 3)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == ["1", "4", "8", "50"]
    assert "running on cpu" in result.stderr


def test_rerank_a_file(exported: Path, tmp_path: Path) -> None:
    file = tmp_path / "lines.txt"
    file.write_text("camera\n\n  电子秤 \nkettle\n", encoding="utf-8")
    result = run(rerank, "camera", file, "--model", exported)
    head, *rows = [line.split() for line in result.stdout.splitlines()]
    assert head == ["#", "score", "band", "text"]
    assert [row[0] for row in rows] == ["1", "2", "3"]
    assert sorted(row[3] for row in rows) == ["camera", "kettle", "电子秤"]
    assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    bands = {"merge": (0.9, 1.0), "review": (0.7, 0.9), "discard": (0.0, 0.7)}
    assert all(bands[row[2]][0] <= float(row[1]) <= bands[row[2]][1] for row in rows)
    assert re.search(r"3 lines on cpu in [\d,]+ ms", result.stderr)


def test_rerank_says_what_it_left_out(exported: Path) -> None:
    result = run(rerank, "camera", "--model", exported, "--threshold", 1, stdin="a\nb\n")
    assert result.stdout == ""
    assert "2 lines on cpu" in result.stderr
    assert "2 below the threshold" in result.stderr


def test_rerank_by_category(exported: Path, tmp_path: Path) -> None:
    usual, baby = (
        run(rerank, "seat", "--model", exported, "--json", *more, stdin="a seat\n").stdout
        for more in ((), ("--category", "baby"))
    )
    assert json.loads(usual)["results"][0]["score"] != json.loads(baby)["results"][0]["score"]
    settings = tmp_path / "toys.toml"
    settings.write_text('[rerank.instructions]\ntoys = "Weigh the toy"\n')
    options = ("--model", exported, "--config", settings, "--json")
    toys = run(rerank, "seat", *options, "--category", "toys", stdin="a seat\n").stdout
    told = run(rerank, "seat", *options, "--instruction", "Weigh the toy", stdin="a seat\n").stdout
    assert json.loads(toys)["results"] == json.loads(told)["results"]
    with pytest.raises(InvalidRequest, match="one of baby, general, industrial, search, toys"):
        run(rerank, "seat", *options, "--category", "tyos", stdin="a seat\n")


def test_rerank_warns_of_a_language_the_model_never_learned(
    checkpoint: Path, tmp_path: Path
) -> None:
    options = ("--languages", "en", "--languages", "de", "--no-verify")
    assert run(model, "export", checkpoint, tmp_path / "en", *options).exit_code == 0
    assert "de, en" in run(model, "info", tmp_path / "en").stdout
    result = run(rerank, "电子秤", "--model", tmp_path / "en", stdin="A digital kitchen scale\n")
    assert "warning: the model is for de, en, this query looks like zh" in result.stderr
    assert "kitchen scale" in result.stdout


@pytest.mark.skipif(CUDA, reason="this ONNX Runtime has CUDA")
def test_rerank_says_when_it_fell_back(exported: Path) -> None:
    result = run(rerank, "camera", "--model", exported, "--provider", "cuda", stdin="x\n")
    assert "warning: cuda is not available; the model ran on cpu" in result.stderr


def test_rerank_with_a_deadline(exported: Path) -> None:
    lines = "\n".join(f"{'camera ' * 200}{i}" for i in range(2000))
    result = run(rerank, "camera", "--model", exported, "--deadline", 1, "--json", stdin=lines)
    results = json.loads(result.stdout)["results"]
    assert len(results) == 2000
    assert results[-1]["score"] is None
    assert results[-1]["text"].endswith(" 1999")


def test_a_session_option_reaches_the_runtime(exported: Path, tmp_path: Path) -> None:
    """With another format in the manifest, the runtime cannot read the graph."""
    for value in ("ONNX", "ORT"):
        settings = f'[rerank.session_options]\n"session.load_model_format" = "{value}"\n'
        (tmp_path / f"{value}.toml").write_text(settings)
    options = ("camera", "--model", exported, "--config")
    assert run(rerank, *options, tmp_path / "ONNX.toml", stdin="x\n").exit_code == 0
    with pytest.raises(RerankError, match="the graph cannot be loaded"):
        run(rerank, *options, tmp_path / "ORT.toml", stdin="x\n")


def test_rerank_standard_input_as_json(exported: Path) -> None:
    result = run(rerank, "camera", "--model", exported, "--json", stdin="a\nb\n")
    answer = json.loads(result.stdout)
    assert answer["provider"] == "cpu"
    assert answer["fell_back"] is False
    assert answer["milliseconds"] > 0
    assert answer["notes"] == []
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
    monkeypatch.setattr("es_hybrid.reranking.BUNDLED", tmp_path / "none")
    with pytest.raises(SettingsError, match="es-hybrid model export"):
        run(rerank, "camera", stdin="x\n")


def test_source_that_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(RerankError, match="neither a folder nor a hub id"):
        run(model, "export", "no such thing", tmp_path / "out")
