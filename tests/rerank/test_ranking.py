"""Scores become an order in one place."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from es_hybrid.rerank.ranking import ranked, rerank


def test_best_first_and_equal_ones_as_given() -> None:
    scores = np.array([0.25, 0.75, 0.25, 1.0], dtype=np.float32)
    assert ranked(["a", "b", "c", "d"], scores) == [
        ("d", 1.0),
        ("b", 0.75),
        ("a", 0.25),
        ("c", 0.25),
    ]


def test_unscored_ones_follow_as_given() -> None:
    scores = np.array([math.nan, 0.0, math.nan, 0.5], dtype=np.float32)
    order = ranked(["a", "b", "c", "d"], scores)
    assert [text for text, _ in order] == ["d", "b", "a", "c"]
    assert [math.isnan(score) for _, score in order] == [False, False, True, True]


def test_any_reranker() -> None:
    class Shortest:
        def score(
            self, query: str, documents: Sequence[str], instruction: str | None = None
        ) -> NDArray[np.float32]:
            return np.array([1 / len(text) for text in documents], dtype=np.float32)

    assert rerank(Shortest(), "q", ["long", "xx"]) == [("xx", 0.5), ("long", 0.25)]
    assert rerank(Shortest(), "q", []) == []
