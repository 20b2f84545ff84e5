"""Files of a reranked list."""

from __future__ import annotations

import base64
import csv
import io
import json

import pytest

from es_hybrid.page.export import files_of
from es_hybrid.page.library import Reranked, ScoredText


def _files(*texts: str, score: float | None = 0.5) -> dict[str, bytes]:
    reranked = Reranked(
        query="q",
        candidates=[
            ScoredText(
                rank=rank,
                text=text,
                score=score,
                decision=None if score is None else "discard",
                language="en",
            )
            for rank, text in enumerate(texts, 1)
        ],
        milliseconds=1.26,
        misfit=None,
        provider=None,
        wanted="auto",
    )
    return {
        file.name: base64.b64decode(file.href.partition("base64,")[2])
        for file in files_of(reranked)
    }


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝"])
def test_no_cell_is_a_formula(start: str) -> None:
    table = _files(f"{start}1+1")["rerank.csv"].decode("utf-8-sig")
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert row["text"] == f"'{start}1+1"


def test_text_comes_back_as_it_was() -> None:
    text = 'a "quoted", line\nand 水壶'
    files = _files(text)
    (row,) = csv.DictReader(io.StringIO(files["rerank.csv"].decode("utf-8-sig"), newline=""))
    assert row == {
        "rank": "1", "score": "0.5", "decision": "discard", "language": "en", "text": text,
    }  # fmt: skip
    assert json.loads(files["rerank.json"])["results"][0]["text"] == text


def test_a_candidate_without_a_score() -> None:
    files = _files("late", score=None)
    assert files["rerank.csv"].decode("utf-8-sig").splitlines()[1] == "1,,,en,late"
    body = json.loads(files["rerank.json"])
    assert body["results"][0]["score"] is None
    assert (body["query"], body["milliseconds"], body["misfit"]) == ("q", 1.3, None)
