"""Files of queries and judgements."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query, read_judged


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    return tmp_path / "queries.tsv", tmp_path / "qrels.txt"


def test_queries_without_a_relevant_document_are_left_out(files: tuple[Path, Path]) -> None:
    queries, qrels = files
    queries.write_text("q1\ta kettle\ten\n\nq2\tKessel\nq3\tpot\n", encoding="utf-8-sig")
    qrels.write_text("q1 0 d1 2\nq1 0 d2 0\nq2 0 d1 -1\n")
    assert read_judged(queries, qrels) == (
        [Query("q1", "a kettle", "en")],
        {"q1": {"d1": 2, "d2": 0}, "q2": {"d1": -1}},
    )


@pytest.mark.parametrize(
    ("queries", "qrels", "message"),
    [
        ("q1 no tab\n", "q1 0 d 1\n", r"queries\.tsv:1: .*tab"),
        ("q1\ta\nq1\tb\n", "q1 0 d 1\n", r"queries\.tsv:2: duplicate query id q1"),
        ("q1\ta\n", "q1 0 d\n", r"qrels\.txt:1: .*four columns"),
        ("q1\ta\n", "q1 0 d good\n", r"qrels\.txt:1: .*whole number"),
        ("q1\ta\n", None, r"qrels\.txt: no such file"),
        ("q1\ta\n", "q2 0 d 1\n", r"queries\.tsv: no query has a relevant product"),
        ("q1\t\udcff\n", "q1 0 d 1\n", r"queries\.tsv: cannot be read"),
    ],
)
def test_unusable_files_are_named_by_line(
    files: tuple[Path, Path], queries: str, qrels: str | None, message: str
) -> None:
    files[0].write_bytes(queries.encode("utf-8", "surrogateescape"))
    if qrels is not None:
        files[1].write_text(qrels)
    with pytest.raises(EvaluationError, match=message):
        read_judged(*files)
