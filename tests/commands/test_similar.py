"""`es-hybrid similar` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.commands.similar import similar
from es_hybrid.errors import RequestRefused
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: str) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_SEARCH__TIMEOUT_MS", "0")


def _similar(node: EmbeddedNode, *arguments: str) -> Result:
    return CliRunner().invoke(similar, [*arguments, "--url", node.url, "--index", CATALOGUE_INDEX])


def test_a_line_for_each_product(node: EmbeddedNode) -> None:
    result = _similar(node, "KIT-002-en", "--filter", "lang=en", "--size", "3")
    assert result.exit_code == 0, result.output
    header, *lines = result.stdout.splitlines()
    assert header.split() == ["#", "id", "title", "price", "lang", "bm25", "knn", "rrf"]
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]
    assert "Kettle" in lines[0]


def test_json_is_what_the_server_answers(node: EmbeddedNode) -> None:
    result = _similar(node, "KIT-002-en", "KIT-008-en", "--collapse", "sku", "--json")
    answer = json.loads(result.stdout)
    assert answer.keys() == {"hits", "timings", "degraded", "notes"}
    assert len({hit["group"] for hit in answer["hits"]}) == 10
    assert {"KIT-002", "KIT-008"}.isdisjoint(hit["group"] for hit in answer["hits"])


def test_an_unknown_product_is_named(node: EmbeddedNode) -> None:
    refused = _similar(node, "KIT-999").exception
    assert isinstance(refused, RequestRefused)
    assert "no such product: KIT-999" in str(refused)


def test_nothing_similar_is_said(node: EmbeddedNode) -> None:
    result = _similar(node, "KIT-002-en", "--filter", "brand=None such")
    assert result.stdout.strip() == "nothing similar"
