"""`es-hybrid eval trade-off`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path
from statistics import mean
from typing import Any

import pytest
from click.testing import CliRunner, Result
from elasticsearch import Elasticsearch

from es_hybrid.cli import main
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.evaluation.judgements import Qrels, Query, read_judged
from es_hybrid.evaluation.tuning.split import grouped, split
from es_hybrid.node import EmbeddedNode
from es_hybrid.search import HybridSearch
from es_hybrid.settings import Settings
from es_hybrid.settings.signals import Signal

TradeOffRun = Callable[..., Result]

SIGNALS: list[dict[str, Any]] = [
    {"name": "price", "field": "price", "modifier": "log1p"},
    {"name": "english", "filter": {"lang": "en"}},
]
CONFIG = """
[[search.signals]]
name = "price"
field = "price"
modifier = "log1p"
weight = 0.05

[[search.signals]]
name = "english"
weight = 0.05
filter = { lang = "en" }
"""


@pytest.fixture
def judged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[Query], Qrels]:
    """Every third query of the sample catalogue, in files of an empty folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ES_HYBRID_RERANK__ENABLED", "false")
    data = files("es_hybrid.data")
    lines = data.joinpath("queries.tsv").read_text("utf-8").splitlines(keepends=True)
    Path("queries.tsv").write_text("".join(lines[::4]), "utf-8")
    with as_file(data / "qrels.txt") as qrels:
        Path("qrels.txt").write_text(qrels.read_text("utf-8"), "utf-8")
    return read_judged(Path("queries.tsv"), Path("qrels.txt"))


@pytest.fixture
def run(node: EmbeddedNode, catalogue: str, judged: object) -> TradeOffRun:
    def run(*arguments: str, config: str = CONFIG) -> Result:
        Path("es-hybrid.toml").write_text(config, "utf-8")
        target = ("--url", node.url, "--index", catalogue)
        command = ("eval", "trade-off", "queries.tsv", "qrels.txt")
        return CliRunner().invoke(main, [*command, *target, *arguments])

    return run


def live_figures(
    search: HybridSearch, groups: list[tuple[Query, ...]], qrels: Qrels
) -> tuple[float, float, float]:
    """revenue@10, the same judged only, and Judged@10, from the pages of live searches."""
    highest = max(max(grades.values()) for grades in qrels.values())
    totals = []
    for group in groups:
        found = []
        for query in group:
            grades = qrels[query.id]
            hits = search.search(query.text, size=100).hits
            worth = [
                (max(0, grades.get(hit.id, 0)) / highest * hit.source["price"], hit.id in grades)
                for hit in hits
            ]
            only = [value for value, judged in worth if judged]
            found.append(
                (
                    sum(value / math.log2(n + 2) for n, (value, _) in enumerate(worth[:10])),
                    sum(value / math.log2(n + 2) for n, value in enumerate(only[:10])),
                    sum(judged for _, judged in worth[:10]) / 10,
                )
            )
        totals.append([mean(column) for column in zip(*found, strict=True)])
    revenue, only_judged, share = (mean(column) for column in zip(*totals, strict=True))
    return revenue, only_judged, share


@pytest.mark.parametrize("signal", [None, "price"])
def test_the_figures_are_those_of_live_searches(
    run: TradeOffRun,
    judged: tuple[list[Query], Qrels],
    es: Elasticsearch,
    embedder: LocalEmbedder,
    catalogue_settings: Settings,
    signal: str | None,
) -> None:
    only = ("--signal", signal) if signal else ()
    done = run("--revenue", "price", "--weights", "1,4", "--json", *only)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    queries, qrels = judged
    parts = split(grouped(queries, qrels), held_out=0.5, seed=1)
    columns = ("revenue@10", "revenue@10 judged only", "Judged@10")
    for part, groups in [("chosen_on", parts.tuned), ("held_out", parts.held_out)]:
        assert [row["weight"] for row in found[part]] == [0, 1, 4]
        for row in found[part]:
            weights = [0.05 * row["weight"], 0.05 * row["weight"] if signal is None else 0.05]
            signals = [
                Signal.model_validate({**each, "weight": weight})
                for each, weight in zip(SIGNALS, weights, strict=True)
                if weight
            ]
            search = HybridSearch(
                es,
                index=catalogue_settings.index.name,
                embedder=embedder,
                settings=catalogue_settings.with_(search={"signals": signals}),
            )
            means = [row["changes"][column]["means"][1] for column in columns]
            assert means == pytest.approx(live_figures(search, groups, qrels), rel=1e-6)
    # The signals do something, else equal figures would prove nothing.
    first, *_, last = (row["changes"]["revenue@10"]["means"][1] for row in found["held_out"])
    assert first != last


def test_the_table_names_the_choice_and_what_is_dominated(run: TradeOffRun) -> None:
    done = run("--revenue", "price", "--max-loss", "0", "--report", "curve.html")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0].split()[:3] == ["weight", "revenue@10", "95"]
    assert [line.split()[0] for line in lines[1:9]] == [
        "0",
        "0.25",
        "0.5",
        "1",
        "1.5",
        "2",
        "3",
        "5",
    ]
    assert "the most revenue on" in done.stdout
    assert "dominated on both: " in done.stdout
    page = Path("curve.html").read_text("utf-8")
    assert page.count("<circle") == 8
    assert "price against relevance" in page


@pytest.mark.parametrize(
    ("arguments", "config", "said"),
    [
        (("--revenue", "price"), "", "no signals are set"),
        (("--revenue", "margin"), CONFIG, "no number field 'margin'"),
        (("--revenue", "brand"), CONFIG, "no number field 'brand'"),
        (("--revenue", "price", "--signal", "stock"), CONFIG, "choose one of price, english"),
        (("--revenue", "price", "--weights", "1,x"), CONFIG, "write numbers"),
        (("--revenue", "price", "--weights", "-1"), CONFIG, "a number from 0"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    run: TradeOffRun, arguments: tuple[str, ...], config: str, said: str
) -> None:
    refused = run(*arguments, config=config)
    assert refused.exit_code == 2
    assert said in refused.output
