"""`eval import`, `eval sample` and `eval judge`, from searches to measured qrels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.evaluation.judgements import read_qrels, read_queries
from es_hybrid.evaluation.judging.pool import read_pool, write_pool
from es_hybrid.settings import Settings
from tests.evaluation.judging.items import POOL


def run(*arguments: str, keys: str = "") -> Result:
    return CliRunner().invoke(main, ["eval", *arguments], input=keys)


def keys_of(*answers: str) -> str:
    """A grade is followed by an empty note."""
    return "".join(f"{answer}\n" + "\n" * answer.isdigit() for answer in answers)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_results_are_sampled_judged_by_two_and_imported(
    folder: Path,
    catalogue: str,
    catalogue_settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ES_HYBRID_RERANK__ENABLED", "false")
    Path("asked.tsv").write_text("a\tWasserkocher 1,7 l\tde\nb\twaterproof hiking boots\ten\n")
    target = ("--url", catalogue_settings.elasticsearch.url or "", "--index", catalogue)
    sampled = run("sample", "asked.tsv", "--size", "6", *target)
    assert sampled.exit_code == 0, sampled.output
    assert sampled.stdout.startswith("6 results of ")
    ann = run("judge", "--by", "Ann", keys=keys_of("3", "u", "3", "s", *"2103"))
    assert ann.exit_code == 0, ann.output
    bob = run("judge", "--by", "Bob", keys=keys_of(*"333333"))
    again = run("sample", "asked.tsv", "--size", "6", *target)
    assert "5 of 6 by Ann, 5 by anyone" in ann.stdout
    assert "6 of 6 by Bob, 6 by anyone" in bob.stdout
    assert "Ann and Bob: kappa" in bob.stdout
    assert "5 pairs" in bob.stdout
    assert again.exit_code == 0
    imported = run("import", "judgements", "judgements.jsonl")
    assert imported.exit_code == 0, imported.output
    assert "6 judgements for" in imported.stdout
    judged = {(query, id_) for query, ids in read_qrels(Path("qrels.txt")).items() for id_ in ids}
    assert not judged & {item.pair for item in read_pool(Path("pool.jsonl"))}
    measured = run("run", "queries.tsv", "qrels.txt", *target, "--stage", "bm25", "--json")
    assert json.loads(measured.stdout)["stages"][0]["queries"] >= 1


def test_neither_rank_nor_other_grades_are_shown(folder: Path) -> None:
    write_pool(POOL, Path("pool.jsonl"))
    run("judge", "--by", "Bob", keys=keys_of(*"32103210"))
    shown = run("judge", "--by", "Ann", keys=keys_of("2", "q")).stdout
    assert "title: Product" in shown
    assert "bm25" not in shown
    assert "Bob" not in shown.partition("1 of 8 by Ann")[0]


def test_undo_goes_back_step_by_step_and_judging_resumes(folder: Path) -> None:
    write_pool(POOL, Path("pool.jsonl"))
    undone = run("judge", "--by", "Ann", keys=keys_of("3", "2", "u", "u", "u", "1", "q"))
    assert "nothing to undo yet" in undone.stdout
    assert "1 of 8 by Ann" in undone.stdout
    rest = run("judge", "--by", "Ann", keys=keys_of(*"1111111"))
    assert "8 of 8 by Ann" in rest.stdout
    assert "8 of 8 by Ann" in run("judge", "--by", "Ann").stdout


def test_a_note_is_stored(folder: Path) -> None:
    write_pool(POOL[:1], Path("pool.jsonl"))
    run("judge", "--by", "Ann", keys="2\ntoo small\n")
    (line,) = Path("judgements.jsonl").read_text().splitlines()
    assert (json.loads(line)["note"], json.loads(line)["grade"]) == ("too small", 2)
    assert run("judge", "--agreement").stdout == ""


def test_every_bad_line_of_an_import_is_printed(folder: Path) -> None:
    Path("case.csv").write_text("query,docid,rating\nkettle,1,3\nkettle,2,good\nkettle,3 4,1\n")
    done = run("import", "quepid", "case.csv")
    assert done.exit_code == 1
    assert [line.partition(" ")[0] for line in done.stderr.splitlines()] == [
        "case.csv:3:", "case.csv:4:", "2",
    ]  # fmt: skip
    assert done.stdout == (
        "grades: whole numbers as they are\n1 judgements for 1 queries in qrels.txt: 1 of grade 3\n"
    )
    assert [query.text for query in read_queries(Path("queries.tsv"))] == ["kettle"]
    again = run("import", "quepid", "case.csv")
    assert (again.exit_code, "qrels.txt" in again.stderr or "queries.tsv" in again.stderr) == (
        2, True,
    )  # fmt: skip


def test_grades_are_mapped_as_asked(folder: Path) -> None:
    Path("list.json").write_text(
        '{"judgmentRatings": [{"query": "tv", "ratings": [{"docId": "1", "rating": "0.75"}]}]}'
    )
    assert run("import", "workbench", "list.json").exit_code == 2
    done = run("import", "workbench", "list.json", "--grades", "0.2=1,0.7=2")
    assert done.exit_code == 0, done.output
    assert "grades: below 0.2 = 0, from 0.2 = 1, from 0.7 = 2" in done.stdout
    assert read_qrels(Path("qrels.txt")) == {"q1": {"1": 2}}
