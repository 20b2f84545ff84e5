"""The main job on real products, see training/data.py; skipped where it is absent."""

from __future__ import annotations

import json
import random
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch
from elasticsearch.helpers import bulk

from es_hybrid.cli import main
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.understanding.value_classes import VALUE_CLASSES
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


def test_facets_over_classes_of_values_agree_with_brute_force(
    node: EmbeddedNode,
    es: Elasticsearch,
    embedder: LocalEmbedder,
    index_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The window counts groups and takes all 30: every product is near.
    monkeypatch.setattr(brute_force, "WINDOW", 900)
    # Each language calls the categories by names of its own, as the products' true groups show.
    raw = [
        json.loads(line)
        for line in (ORACLE / "products.jsonl").read_text("utf-8").splitlines()[:900]
    ]
    for row in raw:
        row["category"] = f"{row['category_code']} {row['lang']}"
    products = tmp_path / "products.jsonl"
    products.write_text("".join(json.dumps(row) + "\n" for row in raw), encoding="utf-8")
    settings = brute_force.settings_for(node.url, index_name)
    shelf = brute_force.load(settings, products, None)
    es.indices.put_mapping(index=index_name, properties={"group_id": {"type": "keyword"}})
    bulk(es, ({"_op_type": "update", "_index": index_name, "_id": row["id"],
               "doc": {"group_id": row["sku"]}} for row in raw))  # fmt: skip
    es.indices.refresh(index=index_name)
    target = ("--url", node.url, "--index", index_name, "--store", str(tmp_path / "s.sqlite"))
    config = tmp_path / "es-hybrid.toml"
    config.write_text("[align]\nmerge = 0.75\n", encoding="utf-8")  # some have one product
    _run("align", "values", "propose", *target, "--config", str(config))
    codes = {row["category_code"] for row in raw}
    assert f"{len(codes)} classes" in _run("align", "values", "apply", *target).stdout

    # Since then, some products have two values of one class, or of two classes.
    chance = random.Random(3)
    second = {row["id"]: f"{row['category_code']} fr" for row in raw[::7]}
    second |= {row["id"]: f"{chance.choice(sorted(codes))} de" for row in raw[::11]}
    bulk(es, ({"_op_type": "update", "_index": index_name, "_id": row["id"],
               "doc": {"category": [row["category"], second[row["id"]]]}}
              for row in raw if row["id"] in second))  # fmt: skip
    es.indices.refresh(index=index_name)
    shelf.rows = [
        replace(
            row,
            tokens=row.tokens | brute_force.tokens(second.get(row.id, "")),
            values={**row.values, "category": tuple(dict.fromkeys(
                f"{value.partition(' ')[0]} ja"
                for value in (*row.values["category"], second.get(row.id, "")) if value))},
        )
        for row in shelf.rows
    ]  # fmt: skip

    langs = sorted({row["lang"] for row in raw})

    def in_any_language(wanted: dict[str, Any]) -> Any:
        text = json.dumps(wanted)
        return json.loads(re.sub(r' ja(?=")', lambda _: f" {chance.choice(langs)}", text))

    def groups_counted(found: set[int], case: brute_force.Case) -> dict[str, dict[str, int]]:
        counts = shelf.counts(found, case)
        for field, values in counts.items():
            members = {
                (value, raw[i]["sku"])
                for i in found if brute_force.ticked(shelf.rows[i], case.selected, but=field)
                for value in brute_force.values_of(shelf.rows[i], field)
            }  # fmt: skip
            counts[field] = {value: sum(value == each for each, _ in members) for value in values}
        return counts

    seen = 0
    with HybridSearch.open(settings) as shop:
        for case in brute_force.cases(shelf, chance):
            if seen == 80:
                break
            if "category" not in case.facets:
                continue
            options: dict[str, Any] = {
                "facets": case.facets,
                "filters": in_any_language(case.filters),
                "selected": in_any_language(case.ticks),
                "display_lang": ["ja"],
            }
            named = shop.search(case.text, size=1).understood
            options["ignore"] = [each.text for each in named if each.effect == "filter"]
            colours = [each.values for each in named if each.kind == "colour"]
            found = shelf.found(case, embedder.embed_query(case.text), colours)
            if found is None:
                continue
            by_product = shop.search(case.text, **options)
            by_group = shop.search(case.text, facets_by="group", **options)
            kept = [i for i in found if brute_force.ticked(shelf.rows[i], case.selected)]
            assert by_group.total == by_product.total == len({raw[i]["sku"] for i in kept}), case
            assert by_product.facets == shelf.counts(found, case), case
            assert by_group.facets == groups_counted(found, case), case
            seen += 1
    es.delete(index=VALUE_CLASSES, id=index_name)
