"""`es-hybrid rules` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from es_hybrid.commands.rules import rules
from es_hybrid.commands.search import search
from es_hybrid.errors import InvalidRequest
from es_hybrid.merchandising.rules.store import RuleStore
from es_hybrid.node import EmbeddedNode
from tests.conftest import CATALOGUE_INDEX

RULE = {
    "id": "boots",
    "criteria": [
        {"type": "contains", "values": ["boots"]},
        {"type": "exact", "metadata": "channel", "values": ["b2b"]},
    ],
    "actions": {"replace": "kettle", "redirect": "/kettles"},
    "note": "no boots this week",
}


@pytest.fixture(autouse=True)
def _folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, node: EmbeddedNode, rule_store: RuleStore
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "ELASTICSEARCH__URL": node.url,
        "INDEX__NAME": CATALOGUE_INDEX,
        "SEARCH__TIMEOUT_MS": "0",
        "RERANK__ENABLED": "false",
    }.items():
        monkeypatch.setenv(f"ES_HYBRID_{name}", value)
    (tmp_path / "rule.json").write_text(json.dumps(RULE), "utf-8")


def run(*arguments: str, stdin: str | None = None) -> str:
    result: Result = CliRunner().invoke(rules, arguments, input=stdin, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_from_draft_to_undo() -> None:
    assert run("put", "rule.json", "--draft", "--author", "ann") == "boots: version 1, draft\n"
    header, row = run("list").splitlines()
    assert header.split()[:3] == ["id", "version", "state"]
    assert row.split()[:4] == ["boots", "1", "draft", "0"]
    assert "query contains boots and channel exact b2b" in row
    assert "no boots this week" in row
    assert run("approve", "boots", "--author", "bob") == "boots: version 2, live\n"
    changed = RULE | {"priority": 3}
    assert run("put", "-", stdin=json.dumps([changed])) == "boots: version 3, live\n"
    assert json.loads(run("show", "boots")) == changed
    assert run("delete", "boots") == "boots: version 4, deleted\n"
    assert len(run("list").splitlines()) == 1
    assert run("undo", "boots") == "boots: version 5, live\n"
    versions = json.loads(run("history", "boots", "--json"))
    assert [(each["version"], each["author"]) for each in versions][-2:] == [(2, "bob"), (1, "ann")]
    assert [line.split()[2] for line in run("history", "boots").splitlines()[1:]] == [
        "live", "deleted", "live", "live", "draft",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "rule.json: cannot be read as JSON"),
        (json.dumps(RULE | {"actions": {}}), "rule boots: actions: .*the rule does nothing"),
        (json.dumps([RULE, 3]), r"rule \?: "),
    ],
)
def test_what_cannot_run_is_refused(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "rule.json").write_text(content, "utf-8")
    with pytest.raises(InvalidRequest, match=message):
        run("put", "rule.json")


def test_dry_run_of_a_file_stores_nothing(catalogue: str) -> None:
    output = run("dry-run", "rule.json", "hiking boots", "lamp", "--context", "channel=b2b")
    lines = output.splitlines()
    assert lines[0].startswith("hiking boots: fires, ")
    assert lines[1] == "  redirect to /kettles"
    assert any("new" in line and "Kettle" in line for line in lines)
    assert any("gone" in line for line in lines)
    assert lines[-1].startswith("lamp: does not fire, ")
    assert len(run("list").splitlines()) == 1


def test_dry_run_of_a_draft_over_the_last_queries_of_a_log(catalogue: str, tmp_path: Path) -> None:
    run("put", "rule.json", "--draft")
    log = [
        {"query_id": "1", "user_query": "lamp", "timestamp": "2026-11-01T00:00:00Z"},
        {"query_id": "2", "user_query": "Boots", "timestamp": "2026-11-03T00:00:00Z"},
        {"query_id": "3", "user_query": "desk", "timestamp": "2026-11-02T00:00:00Z"},
    ]
    text = "".join(json.dumps(row | {"query_response_hit_ids": ["x"]}) + "\n" for row in log)
    (tmp_path / "log.jsonl").write_text(text, "utf-8")
    options = ("--log", "log.jsonl", "--last", "2", "--context", "channel=b2b", "--json")
    found: list[dict[str, Any]] = list(
        map(json.loads, run("dry-run", "boots", *options).splitlines())
    )
    assert [(each["query"], each["fired"] is not None) for each in found] == [
        ("boots", True),
        ("desk", False),
    ]
    assert found[0]["new"] == [hit["id"] for hit in found[0]["after"]]
    assert (found[1]["new"], found[1]["gone"], found[1]["moved"]) == ([], [], {})


def test_search_shows_what_fired(catalogue: str) -> None:
    run("put", "rule.json")

    def lines(*arguments: str) -> list[str]:
        result = CliRunner().invoke(search, ["hiking boots", *arguments], catch_exceptions=False)
        return [line for line in result.stdout.splitlines() if line.startswith(("rule", "redir"))]

    shown = ["rule: boots (replace, redirect)", "redirect: /kettles"]
    assert lines("--context", "channel=b2b") == shown
    assert lines("--context", "channel=b2b", "--no-rules") == []
    assert lines() == []
    refused = CliRunner().invoke(search, ["x", "--context", "channel"])
    assert "write it as channel=b2b" in refused.output
