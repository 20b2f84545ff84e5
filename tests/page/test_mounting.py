"""Gradio's own protection of files, behind the gate."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from es_hybrid.page.library import Library
from es_hybrid.page.mounting import mounted
from es_hybrid.settings import load_settings
from tests.page.running import run_apart


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Gradio's folder."""
    path = tmp_path_factory.mktemp("gradio")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(path))
        yield path


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    async def make() -> FastAPI:
        return mounted(Library(load_settings()), "").app

    with TestClient(run_apart(make())) as opened:
        yield opened


@pytest.fixture(scope="module")
def events(client: TestClient) -> list[dict[str, Any]]:
    """The events that take an input."""
    found: list[dict[str, Any]] = client.get("/en/config").json()["dependencies"]
    return [event for event in found if event["inputs"]]


def test_gradio_itself_refuses_files(
    folder: Path, client: TestClient, events: list[dict[str, Any]], tmp_path: Path
) -> None:
    private = tmp_path / "private.txt"
    private.write_text("secret")
    at_once = [event for event in events if not event["queue"]]
    assert at_once
    for path in (private, Path("/dev/zero"), Path(tempfile.gettempdir()) / "gradio" / "planted"):
        file = {"path": str(path), "meta": {"_type": "gradio.FileData"}}
        for event in at_once:
            body = {
                "data": [file] * len(event["inputs"]),
                "fn_index": event["id"],
                "session_hash": "a",
            }
            assert client.post("/en/gradio_api/run/predict", json=body).status_code == 500
    assert list(folder.iterdir()) == []


def test_a_queued_event_cannot_skip_the_queue(
    client: TestClient, events: list[dict[str, Any]]
) -> None:
    queued = next(event for event in events if event["queue"])
    body = {"data": ["a"] * len(queued["inputs"]), "fn_index": queued["id"], "session_hash": "a"}
    assert client.post("/en/gradio_api/run/predict", json=body).status_code == 404
