"""Words by how they begin."""

from __future__ import annotations

import random

from rapidfuzz.distance import OSA

from es_hybrid.understanding.beginnings import Beginnings

WORDS = ("headphones", "headset", "heater", "kettle", "kettles")


def test_the_things_with_a_word_that_begins_so() -> None:
    beginnings = Beginnings([*zip(WORDS, WORDS, strict=True), ("over-ear", "headphones")])
    assert beginnings.starting_with("head") == ["headphones", "headset"]
    assert beginnings.starting_with("over") == ["headphones"]
    assert beginnings.starting_with("kettles") == ["kettles"]
    assert beginnings.starting_with("x") == []
    assert len(beginnings.starting_with("")) == 6


def test_one_letter_off_finds_what_an_edit_distance_finds() -> None:
    rng = random.Random(1)
    words = ["".join(rng.choices("abcd", k=rng.randint(1, 7))) for _ in range(300)]
    beginnings = Beginnings((word, word) for word in words)
    for _ in range(200):
        start = "".join(rng.choices("abcd", k=rng.randint(1, 5)))
        found = {word for _, word in beginnings.one_letter_off(start)}
        lengths = range(len(start) - 1, len(start) + 2)
        # What lacks a letter at its end may still get it, and is no mistake.
        wanted = {
            word
            for word in words
            if any(
                OSA.distance(start, word[:length]) == 1 and not word.startswith(start)
                for length in lengths
            )
        }
        assert wanted <= found
        assert all(
            any(OSA.distance(start, word[:length]) <= 1 for length in lengths) for word in found
        )


def test_the_place_of_the_letter() -> None:
    beginnings = Beginnings((word, word) for word in WORDS)
    assert {(0, "kettle"), (0, "kettles")} <= set(beginnings.one_letter_off("mettl"))
    assert set(beginnings.one_letter_off("hedph")) == {(2, "headphones")}
