"""`es-hybrid synonyms` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.commands.synonyms import synonyms

TITLES = (
    ("Oak desk", "Schreibtisch Eiche"),
    ("Pine desk", "Schreibtisch Kiefer"),
    ("Oak lamp", "Lampe Eiche"),
    ("Pine lamp", "Lampe Kiefer"),
)


@pytest.fixture(autouse=True)
def _in_a_folder_with_groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_SEARCH__SYNONYMS", "synonyms.txt")
    rows = [
        {"group_id": f"{number}", "lang": lang, "title": title}
        for number, titles in enumerate(TITLES)
        for lang, title in zip(("en", "de"), titles, strict=True)
    ]
    Path("groups.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")


def _run(*arguments: str, given: str | None = None) -> Result:
    result = CliRunner().invoke(synonyms, arguments, input=given)
    assert result.exit_code == 0, result.output
    return result


def test_candidates_are_learned_and_decided_by_keyboard() -> None:
    proposed = _run("propose", "--groups", "groups.jsonl", "--write", "c.jsonl")
    assert proposed.stdout == "4 candidates from 4 pairs of texts in c.jsonl\n"
    rules = [json.loads(line) for line in Path("c.jsonl").read_text("utf-8").splitlines()]
    assert {(rule["words"], rule["other"]) for rule in rules} == {
        ("schreibtisch", "desk"), ("eiche", "oak"), ("kiefer", "pine"), ("lampe", "lamp"),
    }  # fmt: skip
    typed = "u\na\nsame\nr\n\nu\ns\nq\n"
    reviewed = _run("review", "c.jsonl", "--by", "ann", given=typed)
    assert "nothing to undo yet" in reviewed.stdout
    assert "eiche, oak  0.67 in 2 titles de-en\nSchreibtisch Eiche | Oak desk" in reviewed.stdout
    assert reviewed.stdout.splitlines()[-1] == "3 to review, 1 accepted, 0 rejected"
    decided = Path("synonyms.txt").read_text("utf-8").splitlines()
    assert decided[0].startswith("# accepted: eiche, oak | by ann | ")
    assert decided[0].endswith("| same")
    assert decided[1:] == ["eiche, oak"]
    again = _run("review", "c.jsonl", "--by", "bo", given="r\n\na\n\na\n\n")
    assert again.stdout.splitlines()[-1] == "0 to review, 3 accepted, 1 rejected"


def test_no_groups_are_no_candidates() -> None:
    Path("empty.jsonl").touch()
    result = _run("propose", "--groups", "empty.jsonl", "--write", "c.jsonl")
    assert "0 candidates from 0 pairs" in result.stdout
    assert "run `es-hybrid align apply` first" in result.stderr
