"""Retrieval measures."""

from __future__ import annotations

import math

import numpy as np
import pytest
import ranx

from es_hybrid.evaluation.measures import MEASURES, measure, recalls

QRELS = {"q1": {"a": 1, "b": 0}, "q2": {"c": 1}}
RUN = {"q1": {"x": 1.0, "b": 0.5, "a": 0.25}, "q2": {}}
# Ours -> ranx's name of the same measure.
RANX = {
    "nDCG@10": "ndcg@10", "Recall@100": "recall@100", "Recall@10": "recall@10", "RR": "mrr",
    "P@10": "precision@10",
}  # fmt: skip


def test_a_query_without_hits_counts_as_zero() -> None:
    values = measure(RUN, QRELS)
    assert values["nDCG@10"] == {"q1": pytest.approx(1 / math.log2(4)), "q2": 0.0}
    # Without the unjudged x, the relevant hit has rank 2.
    assert values["nDCG@10 judged only"]["q1"] == pytest.approx(1 / math.log2(3))
    assert values["Recall@100"]["q1"] == 1.0
    assert values["RR"]["q1"] == pytest.approx(1 / 3)
    assert values["P@10"]["q1"] == pytest.approx(0.1)
    assert values["Judged@10"]["q1"] == pytest.approx(2 / 3)


@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_those_of_ranx(seed: int) -> None:
    chance = np.random.default_rng(seed)
    documents = [f"d{number}" for number in range(400)]
    run, qrels = {}, {}
    for number in range(30):
        hits = chance.choice(documents, size=chance.integers(1, 150), replace=False)
        judged = chance.choice(documents, size=60, replace=False)
        run[f"q{number}"] = {str(id_): 1 / rank for rank, id_ in enumerate(hits, 1)}
        qrels[f"q{number}"] = {str(id_): int(chance.integers(0, 4)) for id_ in judged}
    ours = measure(run, qrels, MEASURES | recalls(100))
    theirs = ranx.Qrels(qrels), ranx.Run(run)
    for name, code in RANX.items():
        # ranx sorts by query id as a string.
        values = dict(
            zip(sorted(run), ranx.evaluate(*theirs, code, return_mean=False), strict=True)
        )
        assert ours[name] == pytest.approx(values), name
    # Without the unjudged hits, the plain measure of ranx is ours of judged hits only.
    judged_run = {
        query: {id_: score for id_, score in hits.items() if id_ in qrels[query]}
        for query, hits in run.items()
    }
    kept = {query: hits for query, hits in judged_run.items() if hits}
    values = ranx.evaluate(
        ranx.Qrels({query: qrels[query] for query in kept}),
        ranx.Run(kept),
        "ndcg@10",
        return_mean=False,
    )
    judged_only = {query: ours["nDCG@10 judged only"][query] for query in sorted(kept)}
    assert judged_only == pytest.approx(dict(zip(sorted(kept), values, strict=True)))


def test_recall_is_measured_up_to_the_size_of_the_lists() -> None:
    assert list(recalls(20)) == ["Recall@1", "Recall@5", "Recall@10", "Recall@20"]
    assert recalls(100)["Recall@100"] == "R@100"
