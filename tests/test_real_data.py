"""The main job on real products, see training/data.py; skipped where it is absent."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from es_hybrid.cli import main
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from tests import brute_force
from training.data import ADVENTURE_WORKS, CHORUS, DATA, ORACLE

pytestmark = pytest.mark.skipif(not DATA.exists(), reason=f"{DATA} is not there")


def _run(*arguments: str) -> Result:
    result = CliRunner().invoke(main, list(arguments))
    assert result.exit_code == 0, result.output
    return result


def test_descriptions_in_six_languages_find_each_other(
    node: EmbeddedNode, index_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    target = ("--url", node.url, "--index", index_name)
    products = str(ADVENTURE_WORKS / "products.jsonl")
    loaded = _run("ingest", "load", products, *target)
    assert "762 rows" in loaded.stdout

    queries = (ADVENTURE_WORKS / "queries.tsv").read_text("utf-8").splitlines(keepends=True)
    some = tmp_path / "queries.tsv"
    some.write_text("".join(queries[::6]), encoding="utf-8")
    measured = _run("eval", "run", str(some), str(ADVENTURE_WORKS / "qrels.txt"), *target, "--json")
    rows = {row["stage"]: row for row in json.loads(measured.stdout)["stages"]}
    # Measured on all 704: BM25 .183, kNN .692, hybrid .692.
    assert rows["bm25"]["Recall@100"] < 0.3
    assert rows["hybrid"]["Recall@100"] > 0.6

    again = _run("ingest", "load", products, *target)
    assert "unchanged           762" in again.stdout


@pytest.mark.parametrize(
    ("products", "rows", "requests"),
    [(CHORUS, 1200, 120), (ORACLE, 900, 80)],
    ids=["chorus", "oracle-oe"],
)
def test_totals_facets_and_pages_agree_with_brute_force(
    node: EmbeddedNode, index_name: str, products: Path, rows: int, requests: int
) -> None:
    # The first rows, for time's sake; all of them: `python -m tests.brute_force`.
    settings = brute_force.settings_for(node.url, index_name)
    shelf = brute_force.load(settings, products / "products.jsonl", rows)
    with HybridSearch.open(settings) as shop:
        seen = brute_force.check(shop, shelf, requests=requests, seed=7)
    assert seen["requests"] == requests
    assert min(seen["ticked"], seen["filtered"], seen["sorted"]) > requests / 5
    assert seen["undecided"] < requests / 4
