"""TREC run files."""

from __future__ import annotations

from pathlib import Path

import pytest
import ranx

from es_hybrid.errors import EvaluationError, StorageError
from es_hybrid.evaluation.judgements import Query
from es_hybrid.evaluation.runs import run_files
from tests.evaluation.answers import found


def test_a_run_is_read_by_ranx_in_the_same_order(tmp_path: Path) -> None:
    ids = [f"d{number}" for number in range(1000)]
    with run_files(tmp_path / "new" / "runs", ["bm25", "knn"]) as write:
        write(Query("q1", "a"), {"bm25": found(ids), "knn": found("ba")})
        write(Query("q2", "b"), {"bm25": [], "knn": found("c")})
    lines = (tmp_path / "new/runs/knn.trec").read_text().splitlines()
    assert lines == [
        "q1 Q0 b 1 1 es-hybrid-knn", "q1 Q0 a 2 0.5 es-hybrid-knn", "q2 Q0 c 1 1 es-hybrid-knn",
    ]  # fmt: skip
    read = ranx.Run.from_file(str(tmp_path / "new/runs/bm25.trec"), kind="trec").to_dict()
    assert list(read) == ["q1"]
    assert sorted(read["q1"], key=lambda id_: -read["q1"][id_]) == ids


def test_an_id_that_breaks_the_columns_is_refused(tmp_path: Path) -> None:
    with (
        run_files(tmp_path, ["bm25"]) as write,
        pytest.raises(EvaluationError, match="white space"),
    ):
        write(Query("q1", "a"), {"bm25": found(["a b"])})


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    opened = run_files(tmp_path / "file" / "runs", ["bm25"])
    with pytest.raises(StorageError, match="file"), opened:
        pass
