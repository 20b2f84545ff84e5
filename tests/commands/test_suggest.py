"""`es-hybrid suggest` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: str) -> None:
    monkeypatch.chdir(tmp_path)


def _suggest(node: EmbeddedNode, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["suggest", *arguments, "--url", node.url, "--index", CATALOGUE_INDEX]
    )


def test_a_line_for_each_suggestion(node: EmbeddedNode) -> None:
    result = _suggest(node, "ke", "--size", "4")
    assert result.exit_code == 0, result.output
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[0] for line in lines] == ["brand", "category", "product", "product"]
    assert lines[0][1] == "Kessla"
    assert lines[0][-1] == "products"


def test_json_is_what_the_server_answers(node: EmbeddedNode) -> None:
    result = _suggest(node, "ke", "--size", "1", "--json")
    (brand,) = json.loads(result.stdout)["suggestions"]
    assert (brand["text"], brand["highlight"]) == ("Kessla", "<em>Ke</em>ssla")
    assert brand["filters"] == {"brand": "Kessla"}
