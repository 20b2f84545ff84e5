"""`es-hybrid eval compare`, `diff` and `snapshot`."""

from __future__ import annotations

import json

import pytest

from tests.commands.conftest import Terminal
from tests.fakes.embedding import EmbeddingServer

QUERIES = "q1\tKettle number 2\nq2\tTeapot\n"
QRELS = "q1 0 2 1\n"


@pytest.fixture
def shop(terminal: Terminal) -> Terminal:
    """Three kettles, with files of queries and judgements."""
    terminal.load(3)
    (terminal.folder / "queries.tsv").write_text(QUERIES)
    (terminal.folder / "qrels.txt").write_text(QRELS)
    return terminal


def nothing_found(shop: Terminal) -> str:
    """A snapshot in which a query that had hits has none."""
    answer = {"id": "q1", "text": "Kettle number 2", "lang": "", "class": "", "hits": []}
    (shop.folder / "bad.jsonl").write_text(json.dumps(answer) + "\n")
    return "bad.jsonl"


def test_an_index_is_as_good_as_its_alias(shop: Terminal) -> None:
    shown = shop.fine(
        "eval", "compare", shop.alias, shop.name(1), "qrels.txt", "--queries", "queries.tsv"
    )
    assert shown.splitlines() == [
        "1 queries, 0 with other hits or another order",
        "overlap@10  1.000  rank-biased 1.000",
        "same first  100.0%",
        "hits moved  0, lost from the first 10: 0",
        "nDCG@10  1.000 -> 1.000  +0.000 [-, +]  p 1.000  1 queries: 0 better, 0 worse, 1 equal",
    ]


def test_a_loss_beyond_the_margin_exits_with_3(shop: Terminal) -> None:
    stored = shop.fine("eval", "snapshot", "queries.tsv", "good.jsonl")
    assert stored == "2 answers in good.jsonl\n"
    bad = nothing_found(shop)
    both = ("good.jsonl", bad, "qrels.txt")
    failed = shop("eval", "compare", *both)
    assert failed.exit_code == 3, failed.output
    assert "q1  Kettle number 2  1.000 -> 0.000" in failed.stdout
    assert "1  2  Kettle number 2" in failed.stdout
    assert failed.stdout.endswith("B is worse than A by more than 0.01\n")
    as_json = shop("eval", "compare", *both, "--json")
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout)["worse"] is True
    assert shop("eval", "compare", *both, "--margin", "1").exit_code == 0
    assert shop("eval", "compare", bad, "good.jsonl", "qrels.txt").exit_code == 0


def test_what_cannot_be_measured_exits_with_2(shop: Terminal) -> None:
    for arguments, problem in [
        ((shop.alias, "none.jsonl", "qrels.txt"), "none.jsonl: cannot be read"),
        ((shop.alias, "none.toml", "qrels.txt"), "none.toml: no such settings file"),
        ((shop.alias, "none", "qrels.txt"), "no such index"),
        ((shop.alias, shop.alias, "none.txt"), "none.txt: no such file"),
        ((shop.alias,), "Missing argument"),
    ]:
        result = shop("eval", "compare", *arguments)
        assert result.exit_code == 2
        assert problem in result.output
    named = shop("eval", "snapshot", "queries.tsv", "answers.txt")
    assert named.exit_code == 2
    assert "does not end with .jsonl" in named.output


def test_answers_that_changed_are_shown_without_judgements(shop: Terminal) -> None:
    shop.fine("eval", "snapshot", "queries.tsv", "before.jsonl")
    shop.load(2)  # the third kettle stays; only a full load removes it
    same = json.loads(shop.fine("eval", "diff", "before.jsonl", shop.alias, "--json"))
    assert (same["queries"], same["changed"], same["overlap"]) == (2, 0, 1.0)
    shop.es.delete(index=shop.name(1), id="2", refresh=True)
    shown = shop.fine("eval", "diff", "before.jsonl", "es-hybrid.toml", "--worst", "1", "-k", "3")
    assert "q1  Kettle number 2  1.000 -> " in shown
    assert "overlap@3  0.667" in shown
    assert "lost from the first 3: 2" in shown


def test_a_change_of_models_in_two_fields_of_one_index(terminal: Terminal) -> None:
    terminal.load(20)
    with EmbeddingServer(dims=128) as other:
        new = terminal.settings_file(other, name="new.toml")
        text = (terminal.folder / new).read_text()
        (terminal.folder / new).write_text(
            text.replace("[index]\n", '[index]\nvector_field = "v2"\n')
        )
        terminal.fine("index", "apply", terminal.alias, "--config", new)
        filled = terminal.fine("ingest", "backfill", terminal.alias, "--config", new)
        assert "coverage      20 of 20" in filled
        for config in ("es-hybrid.toml", new):
            found = json.loads(
                terminal.fine("search", "Kettle number 7", "--config", config, "--json")
            )
            assert found["hits"][0]["id"] == "7"
            assert not found["degraded"]
        assert "20 queries" in terminal.fine("eval", "diff", terminal.alias, new)
        # A load with the former settings keeps the former field fresh; backfill the other one.
        assert "unchanged            20" in terminal.load(20)
        terminal.load(20, title="Teapot")
        stale = terminal.fine("ingest", "backfill", terminal.alias, "--config", new)
        assert "20 vectors filled" in stale
