"""`eval clicks`: from a log to qrels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.evaluation.judgements import read_qrels, read_queries
from tests.evaluation.judging.clicks.simulation import make_shop


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["eval", "clicks", *arguments])


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "log.jsonl"
    with path.open("w") as file:
        for search in make_shop(quality=0, queries=4).log(300):
            shown = [id_ for id_, _ in search.shown]
            row = {"query": search.query, "shown": shown, "clicked": list(search.actions)}
            file.write(json.dumps(row) + "\n")
        file.write("not JSON\n")
        file.write('{"query": "rare", "shown": ["x"], "clicked": ["x"]}\n')
    return path


@pytest.mark.parametrize("model", ["pbm", "coec"])
def test_grades_follow_the_relevance_that_the_log_was_made_of(log: Path, model: str) -> None:
    done = run(str(log), "--model", model)
    assert done.exit_code == 1  # one line is no search
    assert "log.jsonl:1201: no search and no event" in done.stderr
    assert done.stdout.startswith("1,201 searches, 12,001 impressions, ")
    assert "by rank: 1: " in done.stdout
    assert "grades: below 0.5 = 0, from 0.5 = 1, from 1 = 2, from 2 = 3" in done.stdout
    queries = {query.id: query.text for query in read_queries(Path("queries.tsv"))}
    assert "rare" not in queries.values()  # shown once
    attraction = make_shop(quality=0, queries=4).attraction
    by_grade: dict[int, list[float]] = {}
    for id_, grades in read_qrels(Path("qrels.txt")).items():
        for document, grade in grades.items():
            truth = attraction[int(queries[id_].split()[1]), int(document)]
            by_grade.setdefault(grade, []).append(truth)
    means = [sum(by_grade[grade]) / len(by_grade[grade]) for grade in sorted(by_grade)]
    assert len(means) == 4
    assert means == sorted(means)


def test_a_log_whose_ranking_never_changes_is_doubtful(log: Path) -> None:
    log.write_text('{"query": "q", "shown": ["a", "b"], "clicked": ["a"]}\n' * 50)
    assert "only 0% of the impressions" in run(str(log)).stderr
