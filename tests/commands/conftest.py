"""A shop's index with versions, loaded and switched by the commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.fakes.embedding import EmbeddingServer


@dataclass
class Terminal:
    """Runs commands in a folder with the shop's settings.

    Attributes:
        alias: Alias of the shop's index.
    """

    es: Elasticsearch
    alias: str
    folder: Path
    server: EmbeddingServer

    def __call__(self, *arguments: str) -> Result:
        return CliRunner().invoke(main, list(arguments))

    def fine(self, *arguments: str) -> str:
        """Run a command that must succeed, and return its output."""
        finished = self(*arguments)
        assert finished.exit_code == 0, finished.output
        return finished.stdout

    def load(self, rows: int, *, version: int | None = None, title: str = "Kettle") -> str:
        """Load rows into the alias or a version."""
        path = self.folder / "rows.jsonl"
        each: list[dict[str, Any]] = [
            {"id": str(n), "title": f"{title} number {n}", "lang": "en"} for n in range(rows)
        ]
        path.write_text("".join(json.dumps(row) + "\n" for row in each))
        return self.fine("ingest", "load", str(path), "--index", self.name(version))

    def name(self, version: int | None) -> str:
        return self.alias if version is None else f"{self.alias}-v{version:04d}"

    @property
    def live(self) -> list[str]:
        """The indices that the alias points to."""
        return sorted(self.es.indices.get(index=self.alias))

    def settings_file(self, server: EmbeddingServer, *, name: str, more: str = "") -> str:
        """Write a second settings file with another embedding server."""
        text = (self.folder / "es-hybrid.toml").read_text()
        (self.folder / name).write_text(text.replace(self.server.url, server.url) + more)
        return name


@pytest.fixture
def terminal(
    node: EmbeddedNode,
    es: Elasticsearch,
    index_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Terminal]:
    monkeypatch.chdir(tmp_path)
    with EmbeddingServer(dims=64) as server:
        (tmp_path / "es-hybrid.toml").write_text(
            f'[elasticsearch]\nurl = "{node.url}"\n'
            f'[index]\nname = "{index_name}"\n'
            f'[embedding]\nbase_url = "{server.url}"\nmax_retries = 0\n'
            "[search]\ntimeout_ms = 0\n[rerank]\nenabled = false\n"
        )
        yield Terminal(es, index_name, tmp_path, server)
