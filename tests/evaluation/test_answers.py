"""Snapshots of answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError, StorageError
from es_hybrid.evaluation.answers import Snapshot, write_snapshot
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.stages import StageHit
from tests.evaluation.answers import Made, found

QUERIES = [Query("q1", "café 水壶", "fr", "brand"), Query("q2", "pot\u2028")]


def test_answers_are_read_back(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old", "utf-8")
    done: list[int] = []
    write_snapshot(path, Made(q1="ab", q2=""), QUERIES, done=lambda: done.append(1))
    with closing(Snapshot(path)) as snapshot:
        assert snapshot.queries == QUERIES
        # In any order, and again.
        for query, hits in [(QUERIES[1], []), (QUERIES[0], found("ab")), (QUERIES[1], [])]:
            assert snapshot.answer(query) == hits
    assert len(done) == 2
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_snapshot_leaves_the_former_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("old", "utf-8")

    class Failing:
        def answer(self, query: Query) -> Sequence[StageHit]:
            raise EvaluationError("degraded")

    with pytest.raises(EvaluationError, match="degraded"):
        write_snapshot(path, Failing(), QUERIES)
    assert path.read_text("utf-8") == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(StorageError, match="cannot be written"):
        write_snapshot(tmp_path / "missing" / "a.jsonl", Made(q1="", q2=""), QUERIES)


LINE = json.dumps({"id": "q1", "text": "pot", "lang": "", "class": "", "hits": [["a", 1, "A"]]})


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (f"{LINE}\nnonsense\n", r"a\.jsonl:2: not an answer of a snapshot"),
        (f"{LINE}\n\n{LINE}\n", r"a\.jsonl:3: duplicate query id q1"),
        ('{"id": "q1"}\n', r"a\.jsonl:1: not an answer"),
        (LINE.replace('"a", 1', '"a", "high"'), r"a\.jsonl:1: not an answer"),
        (LINE.replace('"q1"', "7"), r"a\.jsonl:1: not an answer"),
        ("\n", r"a\.jsonl: no answers"),
        (None, r"a\.jsonl: cannot be read: No such file"),
    ],
)
def test_bad_lines_are_named(tmp_path: Path, content: str | None, message: str) -> None:
    path = tmp_path / "a.jsonl"
    if content is not None:
        path.write_text(content, "utf-8")
    with pytest.raises(EvaluationError, match=message):
        Snapshot(path)


def test_snapshots_of_other_queries_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(f"\n{LINE}\n", "utf-8")
    with closing(Snapshot(path)) as snapshot:
        with pytest.raises(EvaluationError, match=r"a\.jsonl: no answer to query q2"):
            snapshot.answer(Query("q2", "pot"))
        with pytest.raises(EvaluationError, match=r"a\.jsonl:2: query q1 is 'pot' here and 'pan'"):
            snapshot.answer(Query("q1", "pan"))
