"""`es-hybrid eval watch`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode


def test_an_index_that_changed_raises_an_alarm(
    node: EmbeddedNode, catalogue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queries.tsv").write_text("1\twireless mouse\n2\tWasserkocher 1,7 l\n", "utf-8")
    target = ["--url", node.url, "--index", catalogue, "--no-rerank"]
    stored = CliRunner().invoke(main, ["eval", "snapshot", "queries.tsv", "golden.jsonl", *target])
    assert stored.exit_code == 0, stored.output
    quiet = CliRunner().invoke(main, ["eval", "watch", "golden.jsonl", *target])
    assert (quiet.exit_code, quiet.output) == (0, "")

    first, second = map(json.loads, Path("golden.jsonl").read_text("utf-8").splitlines())
    second["hits"] = [[f"gone-{rank}", 1.0, "x"] for rank in range(10)]
    lines = [json.dumps(entry) for entry in (first, second)]
    Path("golden.jsonl").write_text("\n".join(lines), "utf-8")
    alarm = CliRunner().invoke(main, ["eval", "watch", "golden.jsonl", *target])
    assert alarm.exit_code == 3
    query, mean = alarm.stdout.splitlines()
    assert query.startswith("query 2 (Wasserkocher 1,7 l): overlap@10 0.00, first hit gone-0 -> ")
    assert mean == "mean overlap@10 of 2 queries: 0.500"
