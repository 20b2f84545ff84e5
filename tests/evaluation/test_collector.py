"""Measures of the stages from made answers, and their summary."""

from __future__ import annotations

import math

import numpy as np
import pytest

from es_hybrid.evaluation.collector import Collector
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import STAGES
from es_hybrid.evaluation.summary import depth_for_most, depth_grid, summarize
from tests.evaluation.answers import answers

QRELS = {f"q{number}": {"a": 2, "b": 0, "c": -1} for number in range(60)}


def collected(count: int = 60) -> Collector:
    """Queries whose relevant product is first in bm25 and reranked, third in knn and hybrid."""
    collector = Collector(QRELS, STAGES, size=100)
    for number in range(count):
        lang, kind = ("en", "brand") if number % 2 else ("de", "")
        given = answers(
            {
                "bm25": "ab", "knn": "xya", "hybrid": "xba", "signals": "xab",
                "reranked": "axb" if number else "xyz",
            },
            {10: "axb", 50: "axb"} if number % 3 == 0 else None,
            total=30.0 + number,
        )  # fmt: skip
        collector.add(Query(f"q{number}", f"text {number}", lang, kind), given)
    return collector


def test_the_measures_of_each_query_and_stage() -> None:
    measured = collected().result()
    assert measured.values["bm25"]["nDCG@10"].tolist() == [1.0] * 60
    assert measured.values["knn"]["nDCG@10"] == pytest.approx([1 / math.log2(4)] * 60)
    assert measured.values["knn"]["nDCG@10 judged only"].tolist() == [1.0] * 60
    assert measured.values["reranked"]["RR"].tolist() == [0.0] + [1.0] * 59
    assert measured.recall["knn"]["Recall@1"].sum() == 0
    assert measured.recall["knn"]["Recall@5"].sum() == 60
    assert measured.unjudged["knn"].tolist() == [2] * 60
    assert measured.scores["hybrid"].grades.tolist() == [-1, 0, 2] * 60
    assert measured.scores["hybrid"].scores[:3] == pytest.approx([1, 1 / 2, 1 / 3])
    assert (measured.characters, measured.pairs, measured.more_pairs) == (420, 3000, 180)


def test_a_query_that_was_not_reranked_keeps_its_order_at_every_depth() -> None:
    at_depth = collected().result().at_depth
    assert list(at_depth) == [10, 50]
    assert at_depth[10][0] == 1.0
    assert at_depth[10][1] == pytest.approx(1 / math.log2(3))


def test_the_worst_losses_are_kept_with_the_hits_of_both_stages() -> None:
    losses = collected().result().losses
    assert len(losses["bm25", "hybrid"]) == 5
    (loss,) = losses["signals", "reranked"]
    assert (loss.query.id, loss.after) == ("q0", 0.0)
    assert [(hit.id, hit.grade) for hit in loss.first] == [("x", None), ("a", 2), ("b", 0)]
    assert loss.second[1].title == "title of y"


def test_the_summary_has_a_row_for_each_group_and_stage() -> None:
    summary = summarize(collected().result(), by="class")
    rows = {(row["group"], row["stage"]): row for row in summary["stages"]}
    assert [group for group, stage in rows if stage == "bm25"] == ["all", "?", "brand"]
    assert rows["brand", "knn"]["queries"] == 30
    assert rows["all", "hybrid"]["Unjudged@10"] == 1.0
    changes = {(row["from"], row["to"]): row for row in summary["differences"]
               if (row["group"], row["measure"]) == ("all", "nDCG@10")}  # fmt: skip
    assert changes["signals", "reranked"]["wins"] == 59
    assert changes["bm25", "hybrid"]["mean"] == pytest.approx(-0.5)
    latency = {row["of"]: row for row in summary["latency_ms"]}
    assert latency["reranked"]["p50"] == pytest.approx(59.5)
    assert latency["hybrid"]["p50"] == pytest.approx(47.5)
    assert latency["reranked"]["p99"] == pytest.approx(
        np.percentile(np.arange(30, 90), 99), abs=0.01
    )
    assert latency["bm25"]["p95"] == 8.0
    assert summary["cost"] == {
        "embedded_characters": 420, "reranked_pairs": 3000, "pairs_scored_for_other_depths": 180,
    }  # fmt: skip
    by_language = summarize(collected().result(), by="language")["stages"]
    assert [row["group"] for row in by_language][::5] == ["all", "de", "en"]


def test_the_depth_with_most_of_the_gain() -> None:
    collector = Collector(QRELS, STAGES, size=100)
    for number in range(20):
        depths = {
            5: "xab" if number < 10 else "xba",
            10: "axb" if number < 19 else "xba",
            50: "axb",
        }
        collector.add(
            Query(f"q{number}", "text"),
            answers(
                dict.fromkeys(("bm25", "knn"), "ab")
                | {"hybrid": "xba", "signals": "xab", "reranked": "axb"},
                depths,
            ),
        )
    measured = collector.result()
    assert depth_for_most(measured) == 10
    gains = [row["gain"] for row in summarize(measured)["rerank_depths"]]
    assert gains == sorted(gains)
    assert depth_for_most(collected(0).result()) is None


def test_depths_between_those_of_interest_are_measured_too() -> None:
    assert depth_grid([12, 20], 100) == [5, 10, 12, 15, 20]
    assert depth_grid([10, 50], 20) == [5, 10]
    assert depth_grid([], 100) == []
