"""`es-hybrid ui`, and the page inside `es-hybrid serve`."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import BrowserContext, expect

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.models import FakeEmbedder, FakeReranker
from tests.serve.running import ask, serving

OFFICIAL = "application/vnd.elasticsearch+json;compatible-with=9"


@contextmanager
def _typed(
    *arguments: str, folder: Path, **settings: str
) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The command's URL, and its process."""
    code = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, **settings},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        found = re.search(r"http://127\.0\.0\.1:\d+", line)
        assert found, line + process.stderr.read()
        yield found[0], process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_the_command_serves_the_page_until_sigterm(context: BrowserContext, tmp_path: Path) -> None:
    with _typed("ui", "--port", "0", "--url", "http://127.0.0.1:9", folder=tmp_path) as (url, ui):
        page = context.new_page()
        page.goto(url)
        page.locator("#tab-review-button").click()
        expect(page.locator("#review-pair")).to_contain_text("es-hybrid align run")
        ui.send_signal(signal.SIGTERM)
        assert ui.wait(30) == 0
        assert ui.stderr is not None
        assert ui.stderr.read() == ""
        page.close()


def test_an_open_page_does_not_delay_the_shutdown_of_the_server(
    context: BrowserContext, node: EmbeddedNode, tmp_path: Path
) -> None:
    arguments = ("serve", "--port", "0", "--url", node.url)
    with _typed(*arguments, folder=tmp_path, ES_HYBRID_SERVE__DRAIN_SECONDS="300") as (url, serve):
        page = context.new_page()
        page.goto(f"{url}/ui")
        page.locator("#rerank-run").wait_for()
        serve.send_signal(signal.SIGTERM)
        assert serve.wait(60) == 0
        page.close()


def test_the_server_has_the_page_and_leaves_the_index_of_that_name_alone(
    context: BrowserContext, node: EmbeddedNode
) -> None:
    with serving(node.url, embedder=FakeEmbedder(), reranker=FakeReranker()) as url:
        page = context.new_page()
        page.goto(f"{url}/ui")
        page.locator("#example-2").click()
        expect(page.locator("#rerank-query textarea")).not_to_have_value("")
        page.locator("#rerank-run").click()
        expect(page.locator("#rerank-result tbody tr").first).to_contain_text("1.5 L")
        assert page.url == f"{url}/ui/en/"
        page.close()
        for path in ("/ui", "/ui/_mapping"):
            asked = ask(url, path, headers={"Accept": OFFICIAL})
            assert (asked.status, b"index_not_found" in asked.body) == (404, True)


def test_beyond_this_machine_the_page_of_serve_needs_keys(node: EmbeddedNode) -> None:
    with serving(node.url, embedder=FakeEmbedder(), serve={"host": "0.0.0.0"}) as url:
        got = ask(url, "/ui/")
        assert (got.status, b"serve.api_keys" in got.body) == (403, True)


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _file(path: Path) -> dict[str, object]:
    return {"path": str(path), "meta": {"_type": "gradio.FileData"}}


@pytest.mark.parametrize(("command", "prefix"), [("ui", ""), ("serve", "/ui")])
def test_no_file_of_the_machine_is_read_and_no_folder_of_others_used(
    command: str, prefix: str, tmp_path: Path
) -> None:
    private = tmp_path / "private.txt"
    private.write_text("secret")
    # What another user can create before the page is first used.
    planted = tmp_path / "tmp/gradio/deep_links/a/state.json"
    planted.parent.mkdir(parents=True)
    planted.write_text('[{"id": 1, "type": "html", "props": {"value": "planted"}}]')
    arguments = (command, "--port", "0", "--url", "http://127.0.0.1:9")
    folder = str(tmp_path / "tmp")
    with _typed(*arguments, folder=tmp_path, TMPDIR=folder) as (url, process):
        assert b"planted" not in ask(url, f"{prefix}/en/?deep_link=a").body
        (own,) = Path(folder).glob("es-hybrid-page-*")
        assert own.stat().st_mode & 0o777 == 0o700
        for path in (Path("/dev/zero"), private, Path("/nowhere")):
            for data in ([_file(path), "a\nb", "search"], ["a", [_file(path)], "search"]):
                event = {"data": data, "fn_index": 3, "session_hash": "a"}
                for target in ("queue/join", "run/predict"):
                    address = f"{prefix}/en/gradio_api/{target}"
                    assert ask(url, address, method="POST", body=event).status == 400
        assert ask(url, f"{prefix}/en/").status == 200
        assert _files(own) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    assert _files(planted.parents[2]) == [planted]
    assert not own.exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "shop.example"])
def test_beyond_this_machine_ui_does_not_start_without_keys(host: str) -> None:
    result = CliRunner().invoke(main, ["ui", "--host", host, "--port", "0"])
    assert result.exit_code == 2
    assert "serve.api_keys" in result.stderr
