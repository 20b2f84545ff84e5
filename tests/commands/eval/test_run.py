"""`es-hybrid eval run`."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, list(arguments))


def test_the_catalogue_is_loaded_searched_and_measured(
    node: EmbeddedNode, index_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = ("--url", node.url, "--index", index_name)
    data = files("es_hybrid.data")
    with (
        as_file(data.joinpath("products.jsonl")) as products,
        as_file(data.joinpath("queries.tsv")) as queries,
        as_file(data.joinpath("qrels.txt")) as qrels,
    ):
        loaded = run("ingest", "load", str(products), *target)
        assert loaded.exit_code == 0, loaded.output
        table = run("search", "Wasserkocher 1,7 l", *target, "--facet", "lang")
        asked = run("search", "Wasserkocher 1,7 l", *target, "--filter", "lang=fr", "--json")
        files_ = ("--runs", "runs", "--report", "report.html")
        measured = run(
            "eval", "run", str(queries), str(qrels), *target, "--json", "--by", "language",
            "--rerank-depth", "10", *files_,
        )  # fmt: skip
        shown = run("eval", "run", str(queries), str(qrels), *target, "--stage", "bm25")
    assert "KIT-002-de" in table.stdout
    assert "lang: " in table.stdout
    answer = json.loads(asked.stdout)
    assert answer["hits"][0]["id"] == "KIT-002-fr"
    assert {hit["source"]["lang"] for hit in answer["hits"]} == {"fr"}
    assert answer["hits"][0]["stages"]["knn"]["rank"] == 1
    summary = json.loads(measured.stdout)
    rows = {(row["group"], row["stage"]): row for row in summary["stages"]}
    assert {group for group, _ in rows} == {"all", "zh", "en", "fr", "es", "de"}
    hybrid, bm25, knn = (rows["all", stage]["nDCG@10"] for stage in ("hybrid", "bm25", "knn"))
    assert hybrid > max(bm25, knn)
    assert hybrid > 0.8
    assert [row["depth"] for row in summary["rerank_depths"]] == [5, 10]
    assert sorted(path.name for path in Path("runs").iterdir()) == [
        "bm25.trec", "hybrid.trec", "knn.trec", "reranked.trec",
    ]  # fmt: skip
    assert f"{index_name}, queries.tsv" in Path("report.html").read_text("utf-8")
    lines = shown.stdout.splitlines()
    header, row = lines[0], lines[1]
    assert header.split()[:3] == ["group", "queries", "stage"]
    assert row.split()[0] == "all"
    assert f"{bm25:.3f}" in row
    assert lines[-1].endswith("without a relevant product")


@pytest.mark.parametrize(
    ("queries", "qrels", "message"),
    [
        ("q1 no tab\n", "q1 0 a 1\n", "queries.tsv:1: "),
        ("q1\tkettle\n", "q1 0 a 1\nq1 0 b\n", "qrels.txt:2: "),
        ("q1\tkettle\n", "q2 0 a 1\n", "queries.tsv: no query has a relevant product"),
    ],
)
def test_a_bad_line_is_named_before_anything_is_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, queries: str, qrels: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("queries.tsv").write_text(queries)
    Path("qrels.txt").write_text(qrels)
    result = run("eval", "run", "queries.tsv", "qrels.txt", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 2
    assert message in result.output
