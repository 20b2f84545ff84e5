"""The commands against servers that show the keys they were sent."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX
from tests.fakes.echo import CANARIES, SHAPES, Echo, assert_no_key
from tests.fakes.http import HttpServer

# What is no error message is not quoted at all.
UNQUOTED = ("success", "header", "redirect")
MAIN = "from es_hybrid.cli import main; main(prog_name='es-hybrid')"


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[Echo, str]]:
    answers = Echo()
    with HttpServer(answers) as server:
        yield answers, server.url


def _output(*arguments: str, folder: Path, elasticsearch: str, models: str) -> str:
    """What a command writes, with every message; no setting of this machine counts."""
    settings = {
        "ELASTICSEARCH__URL": elasticsearch,
        "ELASTICSEARCH__API_KEY": CANARIES["elasticsearch"],
        "EMBEDDING__BASE_URL": f"{models}/v1",
        "EMBEDDING__API_KEY": CANARIES["embedding"],
        "EMBEDDING__MAX_RETRIES": "0",
        "RERANK__URL": f"{models}/v1/rerank",
        "RERANK__API_KEY": CANARIES["rerank"],
        "INGEST__LEDGER_DIR": str(folder / "ledgers"),
        "INGEST__MAX_OUTAGE_S": "0",
    }
    done = subprocess.run(
        [sys.executable, "-c", MAIN, *arguments],
        cwd=folder,
        env={**os.environ, **{f"ES_HYBRID_{name}": value for name, value in settings.items()}},
        input="a red hat\n",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
    )
    return done.stdout


@pytest.mark.parametrize("shape", SHAPES)
def test_no_command_shows_a_key(
    node: EmbeddedNode, catalogue: str, echo: tuple[Echo, str], tmp_path: Path, shape: str
) -> None:
    answers, url = echo
    answers.shape = SHAPES[shape]
    (tmp_path / "products.jsonl").write_text('{"id": "1", "title": "red hat"}\n')
    index = ("--index", CATALOGUE_INDEX)
    commands = [
        (node.url, "search", "red hat", *index),
        (node.url, "rerank", "red hat"),
        (node.url, "ingest", "load", "products.jsonl", "--index", "never-created"),
        (url, "search", "red hat", *index),
        (url, "ingest", "load", "products.jsonl", *index),
    ]
    shown = ""
    for elasticsearch, *command in commands:
        output = _output("-vv", *command, folder=tmp_path, elasticsearch=elasticsearch, models=url)
        assert output, command
        assert_no_key(output, " ".join(command))
        shown += output
    assert "***" in shown or shape in UNQUOTED, "nothing was echoed, so nothing is proved"
