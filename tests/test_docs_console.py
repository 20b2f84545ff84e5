"""What the documentation shows is what happens.

Every console and Python block of a page runs in a folder of its own, from top to bottom, against a
real node that holds the sample catalogue as `products`. What a block shows must be what its command
prints. `tests/markdown_blocks.py` describes the comments that say otherwise.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from es_hybrid.settings import Settings, load_settings
from es_hybrid.understanding.store import VOCABULARIES
from ingest.load.job import LoadJob
from tests.markdown_blocks import Block, Shown, blocks_of, commands_of, is_shown
from tests.pauses import wait_until

ROOT = Path(__file__).parents[1]
GENERATED = {"api.md", "cli.md", "settings.md"}
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name not in GENERATED),
]
SAMPLE = ROOT / "es_hybrid/data"
ALIAS = "products"
INDEX = "products-v0001"
COPY = "docs-products"
# Commands that run until they are stopped.
SERVERS = re.compile(r"es-hybrid (serve(?! explain)|ui)\b")
# Outside quotes, these need a shell.
FOR_THE_SHELL = re.compile(r"[|<>&;*~$()]|^\w+=")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_block_is_run_or_says_why_not(page: Path) -> None:
    for block in blocks_of(page):
        place = f"{page.name}:{block.line}"
        assert block.language, f"{place}: name the language, `text` if it is none"
        assert block.language != "sh", f"{place}: commands are a `console` block"
        if block.language == "text":
            assert not re.search(r"^(\$|es-hybrid) ", block.text, re.MULTILINE), (
                f"{place}: commands are a `console` block"
            )
        if runner := block.notes.get("run by"):
            assert page.name in (ROOT / runner).read_text("utf-8"), f"{place}: not run there"
        if block.left_out:
            continue
        if block.language == "console":
            assert list(commands_of(block.text)), f"{place}: no command"
        elif block.language == "python":
            compile(_without_ellipses(block.text), place, "exec")
        elif block.language == "json":
            json.loads(block.text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_settings_that_a_page_shows_are_accepted(page: Path, tmp_path: Path) -> None:
    (tmp_path / "b.toml").touch()  # of an experiment
    for block in blocks_of(page):
        if block.language == "toml" and not block.left_out:
            file = tmp_path / "es-hybrid.toml"
            file.write_text(block.text, "utf-8")
            load_settings(file)


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("377 rows in 42.4 s", "377 rows in 9.1 s", True),
        ("377 rows in 42.4 s", "376 rows in 42.4 s", False),
        ("a  b\n\nc", "a b\nc\n", True),
        ("a\nc", "a\nb\nc", False),
        ("a\n…\nc", "a\nb\nb\nc", True),
        ("a … c", "a b\nc", False),
        ("http://localhost:9200", "http://127.0.0.1:37299", True),
        ("2026-11-21T03:39:53+00:00", "2027-01-02T04:05:06+00:00", True),
    ],
)
def test_only_what_varies_may_differ(shown: str, printed: str, same: bool) -> None:
    assert is_shown(shown, printed) == same


class Reader:
    """Someone who types what a page shows, in a folder with the sample data."""

    def __init__(self, folder: Path, node: EmbeddedNode) -> None:
        self._folder = folder
        self._node = node
        self._serve = _free_port()
        self._page = _free_port()
        self._addresses = {
            "localhost:9200": node.url.removeprefix("http://"),
            "localhost:9201": f"127.0.0.1:{self._serve}",
        }
        self._names: dict[str, object] = {}
        self._printed = ""
        self._servers: list[subprocess.Popen[str]] = []

    @property
    def environment(self) -> dict[str, str]:
        return {
            "ES_HYBRID_ELASTICSEARCH__URL": self._node.url,
            "ES_HYBRID_SEARCH__TIMEOUT_MS": "0",  # the machine may be busy
            "ES_HYBRID_SERVE__PORT": str(self._serve),
            "ES_HYBRID_PAGE__PORT": str(self._page),
            "XDG_DATA_HOME": str(self._folder / "data-home"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }

    def follow(self, block: Block) -> None:
        """Do what a block shows, and compare."""
        if script := block.notes.get("before"):
            done = subprocess.run(["bash", "-euc", script], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
        if name := block.notes.get("file"):
            (self._folder / name).write_text(block.text, "utf-8")
        elif block.language == "console" and not block.left_out:
            *others, last = commands_of(block.text)
            for shown in others:
                self._type(shown, block, status=0)
            self._type(last, block, status=int(block.notes.get("exit status", "0")))
        elif block.language == "python" and not block.left_out:
            program = self._addressed(_without_ellipses(block.text))
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(compile(program, "page", "exec"), self._names)
            self._printed = printed.getvalue()
        elif "prints" in block.notes:
            assert is_shown(block.text, self._printed), self._printed

    def _type(self, shown: Shown, block: Block, *, status: int) -> None:
        command = self._addressed(shown.command)
        if SERVERS.match(command):
            self._start(command, shown.output)
            return
        typed = block.notes.get("typed", "").replace("-", "").replace(" ", "\n") + "\n"
        code, stdout, output = _run(command, typed)
        report = f"line {block.line}: $ {command}\n{output}"
        assert code == status, report
        if shown.output:
            assert is_shown(shown.output, stdout) or is_shown(shown.output, output), report

    def _start(self, command: str, ready: str) -> None:
        """Start a server, and wait until it prints what the page shows, or else anything."""
        log = self._folder / f"server-{len(self._servers)}.log"
        with log.open("w") as file:
            self._servers.append(
                subprocess.Popen(
                    ["bash", "-c", f"exec {command}"], stdout=file, stderr=file, text=True
                )
            )
        wait_until(lambda: is_shown(ready or "…http://…", log.read_text()))

    def _addressed(self, text: str) -> str:
        for shown, real in self._addresses.items():
            text = text.replace(shown, real)
        return text

    def leave(self) -> None:
        """Stop what still runs."""
        _run("es-hybrid node stop", "")
        for server in self._servers:
            server.send_signal(signal.SIGTERM)
            server.wait()


def _run(command: str, typed: str) -> tuple[int, str, str]:
    """Exit status, standard output, and all output of a command line.

    A command of es-hybrid runs in this process, which saves seconds of imports.
    """
    bare = re.sub(r"'[^']*'|\"[^\"]*\"|\s#.*", "", command)
    if command.startswith("es-hybrid ") and not FOR_THE_SHELL.search(bare):
        arguments = shlex.split(command.replace("\\\n", " "), comments=True)[1:]
        result = CliRunner().invoke(main, arguments, input=typed)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.output
    done = subprocess.run(["bash", "-c", command], input=typed, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr + done.stdout


def _without_ellipses(program: str) -> str:
    """`api_key=…` means: your own key, and the node asks for none."""
    return program.replace("=…", "=None")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
    return port


@pytest.fixture(scope="module")
def original(
    es: Elasticsearch,
    catalogue: str,
    catalogue_settings: Settings,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, Any]]:
    """A copy of the sample catalogue's first version, and the vocabulary of that version."""
    job = LoadJob.of(
        catalogue_settings.with_(index={"name": ALIAS}),
        [str(SAMPLE / "products.jsonl")],
        file_format="jsonl",
        mapping={},
        dead_letters=tmp_path_factory.mktemp("load") / "rejected.jsonl",
        reuse_vectors_from=catalogue,
    )
    job.run(say=lambda line: None, on_progress=lambda tally: None)
    es.indices.put_settings(index=INDEX, settings={"index.blocks.write": True})
    es.indices.clone(index=INDEX, target=COPY)
    es.indices.delete(index=INDEX)
    yield es.get(index=VOCABULARIES, id=INDEX)["_source"]
    es.indices.delete(index=COPY)


@pytest.fixture
def reader(
    node: EmbeddedNode,
    es: Elasticsearch,
    original: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Reader]:
    """A reader in a folder with the sample data; the cluster is as before at the end."""
    before = set(es.indices.get(index="*", expand_wildcards="all"))
    es.indices.clone(
        index=COPY, target=INDEX, settings={"index.blocks.write": None}, aliases={ALIAS: {}}
    )
    es.index(index=VOCABULARIES, id=INDEX, document=original)
    for name in ("products.jsonl", "queries.tsv", "qrels.txt"):
        shutil.copy(SAMPLE / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    reading = Reader(tmp_path, node)
    for name, value in reading.environment.items():
        monkeypatch.setenv(name, value)
    yield reading
    reading.leave()
    for index in set(es.indices.get(index="*", expand_wildcards="all")) - before:
        es.indices.delete(index=index)


@pytest.mark.parametrize(
    "page",
    [
        page
        for page in PAGES
        if any(
            block.language in ("console", "python") and not block.left_out
            for block in blocks_of(page)
        )
    ],
    ids=lambda page: page.name,
)
def test_what_a_page_shows_happens(page: Path, reader: Reader) -> None:
    for block in blocks_of(page):
        reader.follow(block)
