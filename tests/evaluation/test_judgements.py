"""Files of queries and judgements."""

from __future__ import annotations

from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import (
    LLM,
    Query,
    count_llm,
    qrels_line,
    query_line,
    read_judged,
    read_qrels,
    read_queries,
)


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
        ("q1\t\udcff\n", "q1 0 d 1\n", r"queries\.tsv:1: not UTF-8"),
        ("q1\ta\n", "q1 0 d --5\n", r"qrels\.txt:1: .*whole number"),
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


def test_every_bad_line_is_named(files: tuple[Path, Path]) -> None:
    queries, qrels = files
    queries.write_text("q1\n\nq2\tok\nq2\tagain\n")
    qrels.write_text("q1 0 d\nq1 0 d 1\nq1 0 d x\n")
    for path, lines, read in ((queries, (1, 4), read_queries), (qrels, (1, 3), read_qrels)):
        with pytest.raises(EvaluationError) as raised:
            read(path)
        first, *others = str(raised.value).splitlines()
        assert first == f"{path}: 2 lines cannot be used"
        assert [line.partition(": ")[0] for line in others] == [f"{path}:{n}" for n in lines]


def test_what_is_written_is_read(files: tuple[Path, Path]) -> None:
    queries, qrels = files
    asked = [Query("q1", "a kettle", "en"), Query("q2", "Topf")]
    queries.write_text("".join(map(query_line, asked)))
    qrels.write_text(qrels_line("q1", "d1", 2) + qrels_line("q1", "d2", 1, origin=LLM))
    assert read_queries(queries) == asked
    assert read_qrels(qrels) == {"q1": {"d1": 2}}
    assert read_qrels(qrels, with_llm=True) == {"q1": {"d1": 2, "d2": 1}}
    assert count_llm(qrels) == 1
