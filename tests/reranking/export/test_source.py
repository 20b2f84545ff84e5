"""A checkpoint is downloaded from a hub over a socket, without any code."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from es_hybrid.errors import RerankError
from es_hybrid.reranking.export.source import fetch
from es_hybrid.reranking.manifest import Manifest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
MODEL = "shop/tiny-reranker"


@dataclass
class Hub:
    """The two endpoints of the Hugging Face hub that a download needs."""

    files: dict[str, bytes]
    url: str = ""
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and content."""
        self.asked.append(path)
        if path.startswith(f"/api/models/{MODEL}/revision/"):
            if path.rsplit("/", 1)[1] not in ("main", "v1", COMMIT):
                return 404, {"X-Error-Code": "RevisionNotFound"}, b"{}"
            siblings = [{"rfilename": name} for name in self.files]
            content = json.dumps({"id": MODEL, "sha": COMMIT, "siblings": siblings})
            return 200, {"Content-Type": "application/json"}, content.encode()
        name = path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/")
        if name in self.files:
            etag = sha256(self.files[name]).hexdigest()
            return 200, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT}, self.files[name]
        return 404, {"X-Error-Code": "RepoNotFound"}, b"{}"


@pytest.fixture
def hub(checkpoint: Path) -> Iterator[Hub]:
    hub = Hub({file.name: file.read_bytes() for file in checkpoint.iterdir()})
    hub.files |= {"pytorch_model.bin": b"a pickle", "modeling_tiny.py": b"raise SystemExit(99)"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, headers, content = hub.answer(self.path.split("?")[0])
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(content))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(content)

        do_HEAD = do_GET  # noqa: N815 - the name the library looks for

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    yield hub
    server.shutdown()
    server.server_close()


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
    fetched = {path.rsplit("/", 1)[1] for path in hub.asked if "/resolve/" in path}
    assert "model.safetensors" in fetched
    assert not fetched & {"pytorch_model.bin", "modeling_tiny.py"}, "code was downloaded"


def test_a_missing_revision_is_an_error(hub: Hub, tmp_path: Path) -> None:
    result = export(hub.url, tmp_path / "model", "--revision", "nowhere")
    assert result.returncode == 2
    assert f"error: {MODEL}: cannot be downloaded: " in result.stderr
    assert "Traceback" not in result.stderr
    assert any(path.endswith("/revision/nowhere") for path in hub.asked)


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
