"""Judgements become queries and qrels."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Query, read_qrels, read_queries
from es_hybrid.evaluation.judging.formats.rated import RatedPair
from es_hybrid.evaluation.judging.grades import GradeMap
from es_hybrid.evaluation.judging.importing import ImportTally, import_judgements

NUMBERS = GradeMap({})


def pair(
    query: str, id_: str, rating: str, *, query_id: str = "", lang: str = "", llm: bool = False
) -> RatedPair:
    return RatedPair(
        query=query, id=id_, rating=rating, query_id=query_id, lang=lang, by_llm=llm, place="f:1"
    )


def write(folder: Path, *pairs: RatedPair) -> tuple[ImportTally, list[str]]:
    rejected: list[str] = []
    tally = import_judgements(
        pairs,
        NUMBERS,
        queries=folder / "queries.tsv",
        qrels=folder / "qrels.txt",
        reject=lambda error: rejected.append(error.message),
    )
    return tally, rejected


def test_queries_get_ids_and_the_files_can_be_read_back(tmp_path: Path) -> None:
    tally, rejected = write(
        tmp_path,
        pair("a  kettle\t(big)", "1", "3"),
        pair("Topf", "2", "1", query_id="q2", lang="de"),
        pair("a kettle (big)", "3", "0"),
        pair("pan", "3", "2"),
        pair("a kettle (big)", "1", "3"),
    )
    assert rejected == []
    assert read_queries(tmp_path / "queries.tsv") == [
        Query("q1", "a kettle (big)"),
        Query("q2", "Topf", "de"),
        Query("q3", "pan"),
    ]
    assert read_qrels(tmp_path / "qrels.txt") == {
        "q1": {"1": 3, "3": 0}, "q2": {"2": 1}, "q3": {"3": 2},
    }  # fmt: skip
    assert (tally.queries, dict(tally.grades), tally.repeated) == (3, {3: 1, 1: 1, 0: 1, 2: 1}, 1)


def test_what_qrels_cannot_say_is_rejected(tmp_path: Path) -> None:
    _, rejected = write(
        tmp_path,
        pair("kettle", "1", "3"),
        pair("kettle", "1", "2"),
        pair("kettle", "two words", "2"),
        pair("kettle", "2", "0.5"),
        pair("kettle", "2", "good"),
        pair(" ", "2", "1"),
    )
    assert rejected == [
        "1 has grade 2 here and 3 before",
        "'two words' is no document id for qrels: it has white space or is empty",
        "'0.5' is no whole number up to 127",
        "'good' is no number",
        "query 'q2' has no text, or white space in its id",
    ]
    assert read_qrels(tmp_path / "qrels.txt") == {"q1": {"1": 3}}


def test_a_person_counts_before_an_llm_and_the_llm_is_marked(tmp_path: Path) -> None:
    tally, rejected = write(
        tmp_path,
        pair("kettle", "1", "0", llm=True),
        pair("kettle", "1", "3"),
        pair("kettle", "2", "2"),
        pair("kettle", "2", "0", llm=True),
        pair("kettle", "3", "1", llm=True),
    )
    assert (rejected, tally.by_llm) == ([], 1)
    assert (tmp_path / "qrels.txt").read_text() == "q1 0 1 3\nq1 0 2 2\nq1 llm 3 1\n"
    assert read_qrels(tmp_path / "qrels.txt") == {"q1": {"1": 3, "2": 2}}
    assert read_qrels(tmp_path / "qrels.txt", with_llm=True)["q1"]["3"] == 1


def test_nothing_is_overwritten_and_nothing_written_halfway(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="no judgement is usable"):
        write(tmp_path, pair("kettle", "1", "x"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "qrels.txt").write_text("mine")
    with pytest.raises(EvaluationError, match=r"qrels\.txt: exists already"):
        write(tmp_path, pair("kettle", "1", "1"))
    assert (tmp_path / "qrels.txt").read_text() == "mine"


def test_memory_grows_with_the_queries_only(tmp_path: Path) -> None:
    def pairs(count: int) -> Iterator[RatedPair]:
        for number in range(count):
            yield pair(f"query {number % 50}", f"product-{number:040d}", str(number % 4))

    tracemalloc.start()
    tally = import_judgements(
        pairs(40_000),
        NUMBERS,
        queries=tmp_path / "queries.tsv",
        qrels=tmp_path / "qrels.txt",
        reject=lambda error: pytest.fail(str(error)),
    )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert tally.grades.total() == 40_000
    assert peak < 1_000_000  # the ids alone are 1.9 MB
