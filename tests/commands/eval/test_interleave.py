"""`eval interleave`: from a log to a verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.experiments.event_log import event_record, query_record


def _run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["eval", "interleave", *arguments])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """100 searches of one experiment, whose shoppers click on B's product, and one of another."""
    path = tmp_path / "log.jsonl"
    with path.open("w") as file:
        for number in range(101):
            name = "first" if number < 100 else "second"
            facts = {"name": name, "mode": "interleave", "a": ["x"], "b": ["y"]}
            query = query_record(str(number), "kettle", ["x", "y"], {"experiment": facts})
            query["timestamp"] = f"2026-11-{1 + number // 20:02}T00:00:00Z"
            for row in (query, event_record(str(number), "click", "y", 2)):
                file.write(json.dumps(row) + "\n")
    return path


def test_the_verdict(log: Path) -> None:
    done = _run(str(log), "--name", "first")
    assert done.exit_code == 0
    lines = done.stdout.splitlines()
    assert lines[0].startswith("first (interleave): 0 searches for A, 100 for B, 0 ties, 0 without")
    assert lines[1].startswith("share of B 100.0% [")
    assert len(lines) == 2 + 5 + 1
    assert lines[-1].startswith("B is better (since 2026-11-02, p = ")
    found = json.loads(_run(str(log), "--name", "first", "--json").stdout)
    assert (found["better"], found["since"], found["b"]) == ("B", "2026-11-02", 100)
    assert found["p_value"] == pytest.approx(1 / found["days"][-1]["evidence"])


def test_one_search_decides_nothing(log: Path) -> None:
    assert "not decided (p = 1)" in _run(str(log), "--name", "second").stdout
    silent = _run(str(log), "--name", "second", "--action", "order")
    assert "1 without an action" in silent.stdout
    assert "share of B" not in silent.stdout


def test_an_experiment_must_be_chosen(log: Path) -> None:
    for options in ((), ("--name", "third")):
        done = _run(str(log), *options)
        assert done.exit_code == 2
        assert "it has the experiments first, second; choose one with --name" in done.stderr


def test_bad_lines_are_reported(log: Path) -> None:
    with log.open("a") as file:
        file.write("{\n")
    done = _run(str(log), "--name", "first")
    assert done.exit_code == 1
    assert "log.jsonl:203: no search and no event" in done.stderr
    log.write_text('{"query": "x", "shown": ["a"]}\n')
    assert "it has no experiment" in _run(str(log)).stderr
