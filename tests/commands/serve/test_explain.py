"""`es-hybrid serve explain` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX

RULES = """\
[rerank]
enabled = false

[[serve.rewrite]]
form = "magento"
index = "magento*"

[[serve.rewrite]]
name = "shop"
text = ["query.bool.must[*].multi_match.query"]
share = 0.5
share_by = "X-Session"
"""
WORDS = {"multi_match": {"query": "steel kettle", "fields": ["title"]}}
KITCHEN = {"term": {"category": "Kitchen > Kettles"}}
BODY: dict[str, Any] = {
    "query": {"bool": {"must": [WORDS, KITCHEN]}},
    "aggs": {"brand": {"terms": {"field": "brand"}}},
    "sort": [{"price": "asc"}],
    "size": 5,
}


@pytest.fixture(autouse=True)
def _in_a_folder_with_rules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, catalogue: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("es-hybrid.toml").write_text(RULES)


def _explain(
    node: EmbeddedNode, body: Any, *arguments: str, index: str = CATALOGUE_INDEX
) -> Result:
    given = body if isinstance(body, str) else json.dumps(body)
    command = ["serve", "explain", "-", "--url", node.url, "--index", index, *arguments]
    return CliRunner().invoke(main, command, input=given)


def test_the_plan_of_a_search_that_a_rule_fits(node: EmbeddedNode) -> None:
    result = _explain(node, BODY, "--header", "X-Es-Hybrid: on", "--json")
    assert result.exit_code == 0, result.output
    (found,) = json.loads(result.stdout)
    plan = found.pop("plan")
    assert found == {
        "index": CATALOGUE_INDEX, "answered_by": "es-hybrid", "text": "steel kettle",
        "rules": {"magento": "for other indices", "shop": "fits"}, "problem": "",
    }  # fmt: skip
    assert plan["lexical"] == BODY["query"]
    assert plan["filters"] == [KITCHEN]
    assert (plan["vector_field"], plan["rerank"], plan["sort"]) == (
        "embedding", False, [{"price": "asc"}],
    )  # fmt: skip
    assert plan["kept"] == ["aggs", "size"]
    shown = _explain(node, BODY, "--header", "X-Es-Hybrid: on").stdout
    assert "rule          shop: fits" in shown
    assert f"  filter      {json.dumps(KITCHEN, separators=(',', ':'))}" in shown


def test_searches_that_pass_through(node: EmbeddedNode) -> None:
    for headers, why in (
        (["--header", "X-Es-Hybrid: off"], "fits, but this search is not in its share"),
        ([], "the body does not have its form, or no text"),
    ):
        body = BODY if headers else {"query": {"match_all": {}}}
        (found,) = json.loads(_explain(node, body, *headers, "--json").stdout)
        assert found["answered_by"] == "Elasticsearch"
        assert found["rules"]["shop"] == why
        assert found["plan"] is None


def test_each_search_of_many(node: EmbeddedNode) -> None:
    retriever: dict[str, Any] = {"retriever": {"rrf": {"retrievers": []}}}
    extended = {"query": WORDS, "ext": {"es_hybrid": {"text": "kettle"}}}
    lines = [{}, BODY, {"index": "no-such-index"}, BODY, {}, retriever, {}, extended]
    body = "".join(json.dumps(line) + "\n" for line in lines)
    found = json.loads(_explain(node, body, "--header", "X-Es-Hybrid: on", "--json").stdout)
    assert [each["answered_by"] for each in found] == [
        "es-hybrid", "Elasticsearch", "es-hybrid", "es-hybrid",
    ]  # fmt: skip
    assert "no such index" in found[1]["problem"]
    assert found[3]["text"] == "kettle"
    assert found[3]["plan"]["filters"] == []
    assert (
        "problem       index no-such-index"
        in _explain(node, body, "--header", "X-Es-Hybrid: on").stdout
    )


def test_what_is_wrong_is_named(node: EmbeddedNode) -> None:
    assert "neither the JSON of a search" in _explain(node, "{").output
    assert "is not NAME:VALUE" in _explain(node, BODY, "--header", "x").output
    misplaced = CliRunner().invoke(main, ["serve", "--port", "0", "explain", "-"], input="{}")
    assert misplaced.exit_code == 2
    assert "give --port after explain" in misplaced.output
