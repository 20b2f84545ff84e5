"""A checkpoint is downloaded from a hub over a socket, without any code."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from es_hybrid.errors import RerankError
from es_hybrid.reranking.export.source import fetch
from es_hybrid.reranking.manifest import Manifest
from tests.fakes.http import Answer, HttpServer, Request, json_answer

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = "shop/tiny-reranker"


class Hub(HttpServer):
    """The two endpoints of the Hugging Face hub that a download needs."""

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(self._answer)
        self.files = files

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith(f"/api/models/{MODEL}/revision/"):
            if request.path.rsplit("/", 1)[1] not in ("main", "v1", COMMIT):
                return Answer(404, headers={"X-Error-Code": "RevisionNotFound"})
            siblings = [{"rfilename": name} for name in self.files]
            return json_answer(200, {"id": MODEL, "sha": COMMIT, "siblings": siblings})
        content = self.files.get(request.path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/"))
        if content is None:
            return Answer(404, headers={"X-Error-Code": "RepoNotFound"})
        etag = sha256(content).hexdigest()
        return Answer(200, content, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    files = {file.name: file.read_bytes() for file in checkpoint.iterdir()}
    files |= {"pytorch_model.bin": b"a pickle", "modeling_tiny.py": b"raise SystemExit(99)"}
    with Hub(files) as hub:
        yield hub


def export(hub_url: str, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Runs in a separate process: huggingface_hub reads the environment when imported."""
    environment = os.environ | {
        "HF_ENDPOINT": hub_url,
        "HF_HOME": str(folder.parent / "cache"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_ETAG_TIMEOUT": "2",
    }
    program = "import sys; from es_hybrid.cli import main; main(sys.argv[1:])"
    arguments = ["model", "export", MODEL, str(folder), "--no-verify", *options]
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("options", [(), ("--revision", "v1")])
def test_a_download_is_pinned(hub: Hub, tmp_path: Path, options: tuple[str, ...]) -> None:
    result = export(hub.url, tmp_path / "model", *options)
    assert result.returncode == 0, result.stderr
    manifest = Manifest.read(tmp_path / "model")
    assert (manifest.source, manifest.revision) == (MODEL, COMMIT)
    manifest.check_files(tmp_path / "model")
    fetched = {one.path.rsplit("/", 1)[1] for one in hub.seen if "/resolve/" in one.path}
    assert "model.safetensors" in fetched
    assert not fetched & {"pytorch_model.bin", "modeling_tiny.py"}, "code was downloaded"


def test_a_missing_revision_is_an_error(hub: Hub, tmp_path: Path) -> None:
    result = export(hub.url, tmp_path / "model", "--revision", "nowhere")
    assert result.returncode == 2
    assert f"error: {MODEL}: cannot be downloaded: " in result.stderr
    assert "Traceback" not in result.stderr
    assert any(one.path.endswith("/revision/nowhere") for one in hub.seen)


def test_a_hub_that_cannot_be_reached_is_an_error(tmp_path: Path) -> None:
    result = export("http://127.0.0.1:9", tmp_path / "model")
    assert result.returncode == 2
    assert f"error: {MODEL}: cannot be downloaded: " in result.stderr
    assert "Traceback" not in result.stderr


def test_a_folder_is_used_directly(checkpoint: Path) -> None:
    assert fetch(str(checkpoint)) == (checkpoint, "")


@pytest.mark.parametrize(
    "source", ["no such thing", "../no such/one", "https://host/model", "a/b/c"]
)
def test_neither_a_folder_nor_an_id(source: str) -> None:
    with pytest.raises(RerankError, match="neither a folder nor a hub id"):
        fetch(source)
