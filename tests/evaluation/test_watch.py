"""Alarms about answers that moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.answers import Snapshot, write_snapshot
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import StageHit
from es_hybrid.evaluation.watch import DriftLimits, alarms

QUERIES = [Query("1", "kettle"), Query("2", "red\tshoes"), Query("3", "lamp")]
GOLDEN = {"1": "abcd", "2": "efgh", "3": ""}
LIMITS = DriftLimits(overlap=0.5, mean_overlap=0.8, k=4)


class Answers:
    """Hits by query id, each a letter; a query without any cannot be answered."""

    def __init__(self, hits: Mapping[str, str]) -> None:
        self.hits = hits

    def answer(self, query: Query) -> Sequence[StageHit]:
        if query.id not in self.hits:
            raise EvaluationError("the search was degraded:\nno embedding")
        return [StageHit(id_, 1.0, id_.upper()) for id_ in self.hits[query.id]]


def raised(tmp_path: Path, limits: DriftLimits = LIMITS, **hits: str) -> list[str]:
    path = tmp_path / "golden.jsonl"
    write_snapshot(path, Answers(GOLDEN), QUERIES)
    with closing(Snapshot(path)) as golden:
        live = Answers({key.removeprefix("q"): found for key, found in hits.items()})
        return list(alarms(golden, live, limits))


def test_the_same_answers_raise_no_alarm(tmp_path: Path) -> None:
    assert raised(tmp_path, q1="abcd", q2="hgfe", q3="") == []


def test_each_query_below_the_limit_is_one_line(tmp_path: Path) -> None:
    assert raised(tmp_path, q1="axyz", q2="ghyz", q3="") == [
        "query 1 (kettle): overlap@4 0.25, first hit a",
        "mean overlap@4 of 3 queries: 0.583",
    ]
    assert raised(tmp_path, q1="abcd", q2="efgh", q3="x") == [
        "query 3 (lamp): overlap@4 0.00, first hit nothing -> x",
        "mean overlap@4 of 3 queries: 0.667",
    ]


def test_only_the_first_hits_count(tmp_path: Path) -> None:
    limits = DriftLimits(overlap=1.0, mean_overlap=1.0, k=2)
    assert raised(tmp_path, limits, q1="bazz", q2="efzz", q3="") == []


def test_a_query_that_fails_does_not_end_the_watch(tmp_path: Path) -> None:
    limits = DriftLimits(overlap=0.5, mean_overlap=0.0, k=4)
    assert raised(tmp_path, limits, q1="", q3="") == [
        "query 1 (kettle): overlap@4 0.00, first hit a -> nothing",
        "query 2 (red shoes): the search was degraded: no embedding",
    ]
