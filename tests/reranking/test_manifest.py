"""The manifest describes a folder, and a folder that differs is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from es_hybrid.errors import RerankError
from es_hybrid.reranking.manifest import MANIFEST, Manifest, Parity, checksums


def manifest(folder: Path) -> Manifest:
    (folder / "model.onnx").write_bytes(b"graph")
    return Manifest(
        architecture="qwen3",
        source="Qwen/Qwen3-Reranker-0.6B",
        dtype="fp32",
        opset=23,
        max_length=40960,
        tokens={"yes": 1, "no": 2},
        languages=("en", "zh"),
        files=checksums(folder, ["model.onnx"]),
        parity=Parity(
            passed=True, max_delta=1e-6, kendall_tau=1.0, pairs=9, tolerance=1e-4, provider="cpu"
        ),
    )


def test_round_trip(tmp_path: Path) -> None:
    original = manifest(tmp_path)
    original.write(tmp_path)
    read = Manifest.read(tmp_path)
    assert read == original
    read.check_files(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [MANIFEST, "model.onnx"]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"format": 2}',
        '{"format": 1, "architecture": "qwen3"}',
        '{"format": 1, "x": 1}',
    ],
)
def test_not_a_manifest(tmp_path: Path, content: str) -> None:
    (tmp_path / MANIFEST).write_text(content)
    with pytest.raises(RerankError, match="not a manifest"):
        Manifest.read(tmp_path)


def test_the_error_for_a_missing_manifest_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(RerankError, match="es-hybrid model export"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["../outside", "/etc/hostname", "sub/model.onnx", ""])
def test_file_outside_the_folder_is_refused(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (tmp_path / "outside").write_bytes(b"secret")
    manifest(folder).write(folder)
    content = json.loads((folder / MANIFEST).read_text())
    content["files"] = {name: "0" * 64}
    (folder / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(RerankError, match="not a file of this folder"):
        Manifest.read(folder).check_files(folder)


def test_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    described = manifest(folder)
    (folder / "model.onnx").rename(tmp_path / "model.onnx")
    (folder / "model.onnx").symlink_to(tmp_path / "model.onnx")
    with pytest.raises(RerankError, match="not a file of this folder"):
        described.check_files(folder)


def test_a_hard_link_is_accepted_only_with_the_same_content(tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    described = manifest(folder)
    (folder / "model.onnx").rename(tmp_path / "same")
    os.link(tmp_path / "same", folder / "model.onnx")
    described.check_files(folder)
    (tmp_path / "same").write_bytes(b"other")
    with pytest.raises(RerankError, match="changed since the export"):
        described.check_files(folder)


def test_manifest_without_files_is_refused(tmp_path: Path) -> None:
    described = manifest(tmp_path)
    described.files.clear()
    with pytest.raises(RerankError, match="does not list model"):
        described.check_files(tmp_path)
