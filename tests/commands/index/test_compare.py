"""`es-hybrid index compare`."""

from __future__ import annotations

import json

from tests.commands.index.conftest import Terminal
from tests.fakes.embedding import EmbeddingServer


def test_judgements_add_ndcg(terminal: Terminal) -> None:
    terminal.load(3)
    (terminal.folder / "queries.tsv").write_text("q1\tKettle number 2\nq2\tTeapot\n")
    (terminal.folder / "qrels.txt").write_text("q1 0 2 1\n")
    judged = ("--queries", "queries.tsv", "--qrels", "qrels.txt")
    shown = terminal.fine("index", "compare", terminal.alias, terminal.name(1), "-k", "1", *judged)
    assert shown.splitlines() == [
        "2 queries",
        "overlap@1   1.000",
        "same first   100.0%",
        f"nDCG@10      1.000 {terminal.alias}, 1.000 {terminal.name(1)}: +0.000 (1 judged queries)",
    ]


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
        same = terminal.fine(
            "index", "compare", terminal.alias, terminal.alias, "--second-config", new
        )
        assert "20 queries" in same
        # A load with the former settings keeps the former field fresh; backfill the other one.
        assert "unchanged            20" in terminal.load(20)
        terminal.load(20, title="Teapot")
        stale = terminal.fine("ingest", "backfill", terminal.alias, "--config", new)
        assert "20 vectors filled" in stale
