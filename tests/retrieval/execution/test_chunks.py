"""How long texts are cut for the reranker, and which chunks it reads."""

from __future__ import annotations

import random
import re

import pytest

from es_hybrid.retrieval.execution.chunks import best_chunks, cut
from es_hybrid.retrieval.nodes import Chunks

TEXT = "One two three. Four five six! Seven eight nine? Ten eleven twelve.\nThirteen fourteen"


def _cut(text: str, **parameters: object) -> list[str]:
    return list(cut(text, Chunks(**parameters)))  # type: ignore[arg-type]


def test_sentences_stay_whole_while_they_fit() -> None:
    assert _cut(TEXT, max_words=6) == [
        "One two three. Four five six! ",
        "Seven eight nine? Ten eleven twelve.\n",
        "Thirteen fourteen",
    ]
    assert _cut(TEXT) == [TEXT]


def test_the_sentence_before_is_repeated() -> None:
    assert _cut(TEXT, max_words=7, overlap=1)[:2] == [
        "One two three. Four five six! ",
        "Four five six! Seven eight nine? ",
    ]
    # As much of its end as fits.
    assert _cut(TEXT, max_words=5, overlap=1)[:2] == [
        "One two three. ",
        "two three. Four five six! ",
    ]


def test_a_long_sentence_is_cut_at_words() -> None:
    words = " ".join(map(str, range(25)))
    chunks = _cut(f"Short one. {words}. End of it.", max_words=10)
    assert chunks[0] == "Short one. "
    assert chunks[1] == "0 1 2 3 4 5 6 7 8 9 "
    assert chunks[2].startswith("6 7 8 ")
    assert all(len(chunk.split()) <= 10 for chunk in chunks)
    assert chunks[-1].endswith("End of it.")


def test_words_overlap() -> None:
    words = " ".join(map(str, range(10)))
    assert _cut(words, strategy="word", max_words=4, overlap=1) == [
        "0 1 2 3 ", "3 4 5 6 ", "6 7 8 9"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "chunks"),
    [
        ("红色的鞋。蓝色的鞋！", ["红色的鞋。", "蓝色的鞋！"]),
        ("e.g. small letters go on. New", ["e.g. small letters go on. ", "New"]),
        ('He then just said "no." Then left', ['He then just said "no." ', "Then left"]),
        ("", [""]),
        ("…", ["…"]),
    ],
)
def test_where_sentences_end(text: str, chunks: list[str]) -> None:
    assert _cut(text, max_words=6) == chunks


def test_nothing_is_lost_and_nothing_is_too_long() -> None:
    rng = random.Random(2)
    for _ in range(300):
        # Each word once, so that a chunk has one place in the text.
        ends = rng.choices([" ", ". ", "! ", "\n", "、", "。"], k=rng.randint(1, 80))
        text = "".join(f"w{number}{end}" for number, end in enumerate(ends))
        most, overlap = rng.randint(2, 15), rng.choice([0, 1])
        covered = 0
        for chunk in _cut(text, max_words=most, overlap=overlap):
            assert 0 < len(re.findall(r"w\d+", chunk)) <= most
            assert text.index(chunk) <= covered
            covered = text.index(chunk) + len(chunk)
        assert covered == len(text)


def test_the_chunks_with_the_query_s_words_come_first() -> None:
    text = "A kettle is red. The shoe is blue. Blue blue shoe. Nothing of it."
    assert best_chunks(text, Chunks(size=1, max_words=4), "Blue shoes") == ["Blue blue shoe. "]
    assert best_chunks(text, Chunks(size=5, max_words=4), "blue SHOE") == [
        "Blue blue shoe. ",
        "The shoe is blue. ",
    ]
    assert best_chunks(text, Chunks(size=2, max_words=4), "lamp") == [
        "A kettle is red. ",
        "The shoe is blue. ",
    ]
    assert best_chunks("", Chunks(), "blue") == [""]
