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
        measured = run("eval", "run", str(queries), str(qrels), *target, "--json", "--by-language")
        shown = run("eval", "run", str(queries), str(qrels), *target, "--mode", "bm25")
    assert "KIT-002-de" in table.stdout
    assert "lang: " in table.stdout
    answer = json.loads(asked.stdout)
    assert answer["hits"][0]["id"] == "KIT-002-fr"
    assert {hit["source"]["lang"] for hit in answer["hits"]} == {"fr"}
    assert answer["hits"][0]["stages"]["knn"]["rank"] == 1
    rows = {(row["lang"], row["mode"]): row for row in json.loads(measured.stdout)}
    assert {lang for lang, _ in rows} == {"all", "zh", "en", "fr", "es", "de"}
    hybrid, bm25, knn = (rows["all", mode]["nDCG@10"] for mode in ("hybrid", "bm25", "knn"))
    assert hybrid > max(bm25, knn)
    assert hybrid > 0.8
    header, row, left_out = shown.stdout.splitlines()
    assert header.split()[:3] == ["lang", "queries", "mode"]
    assert row.split()[0] == "all"
    assert f"{bm25:.3f}" in row
    assert left_out.endswith("without a relevant product")
