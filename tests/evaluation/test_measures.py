"""Retrieval measures."""

from __future__ import annotations

import math

import pytest

from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.measures import measure, summarize

QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"c": 1}}
RUN = {"q1": {"x": 1.0, "b": 0.5, "a": 0.25}, "q2": {}}


def test_a_query_without_hits_counts_as_zero() -> None:
    values = measure(RUN, QRELS)
    assert values["nDCG@10"] == {"q1": pytest.approx(1 / math.log2(4)), "q2": 0.0}
    # Without the unjudged x, the relevant hit has rank 2.
    assert values["nDCG@10 judged only"]["q1"] == pytest.approx(1 / math.log2(3))
    assert values["Recall@100"]["q1"] == 1.0
    assert values["Judged@10"]["q1"] == pytest.approx(2 / 3)


def test_one_row_per_language_and_mode() -> None:
    queries = [Query("q1", "a", "en"), Query("q2", "b")]
    rows = summarize({"bm25": RUN, "knn": RUN}, QRELS, queries, by_language=True)
    assert [(row["lang"], row["mode"], row["queries"]) for row in rows] == [
        ("all", "bm25", 2), ("all", "knn", 2), ("en", "bm25", 1),
        ("en", "knn", 1), ("?", "bm25", 1), ("?", "knn", 1),
    ]  # fmt: skip
    assert rows[0]["Recall@100"] == 0.5
    assert [row["lang"] for row in summarize({"bm25": RUN}, QRELS, queries, by_language=False)] == [
        "all"
    ]
