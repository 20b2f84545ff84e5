"""The gain from reranking, by language."""

from __future__ import annotations

import numpy as np
import pytest

from es_hybrid.evaluation.judgements import Query
from training.gate import Figures, compare, passing

QUERIES = [Query("1", "mouse", "en"), Query("1-zh", "鼠标", "zh-CN")]
QRELS = {"1": {"good": 3, "bad": 0}, "1-zh": {"good": 3, "bad": 0}}
BEFORE = {"bad": 1.0, "unjudged": 1 / 2, "good": 1 / 3}


def test_the_gain_counts_judged_documents_by_language() -> None:
    after = {"good": 1.0, "unjudged": 1 / 2, "bad": 1 / 3}

    english, chinese = compare(
        QUERIES, QRELS, {"1": BEFORE, "1-zh": BEFORE}, {"1": after, "1-zh": BEFORE}
    )

    second = 1 / np.log2(3)
    assert (english.language, english.queries) == ("en", 1)
    assert english.before == pytest.approx(second)
    assert english.after == 1
    assert english.low == pytest.approx(1 - second)
    assert english.high == pytest.approx(1 - second)
    assert (chinese.language, chinese.gain) == ("zh", 0)
    assert "+0.000" in str(chinese)


def test_the_interval_contains_the_gain_and_is_reproducible() -> None:
    queries = [Query(str(n), "q", "en") for n in range(40)]
    qrels = {query.id: {"good": 1, "bad": 0} for query in queries}
    wrong = {query.id: {"bad": 1.0, "good": 0.5} for query in queries}
    mended = wrong | {query.id: {"good": 1.0, "bad": 0.5} for query in queries[::2]}

    (first,) = compare(queries, qrels, wrong, mended)
    (again,) = compare(queries, qrels, wrong, mended)

    assert 0 < first.low < first.gain < first.high
    assert first == again


def test_a_language_must_gain_in_one_catalogue_and_not_lose_in_the_other() -> None:
    def figures(language: str, gain: float, low: float = 0.001) -> Figures:
        return Figures(language=language, queries=9, before=0.5, after=0.5 + gain, low=low, high=1)

    chorus = [
        figures("en", 0.03),
        figures("de", 0.03),  # loses in the other
        figures("fr", 0.01),  # too little
        figures("es", 0.03, low=-0.001),  # by chance
        figures("ja", 0.03),  # unknown in the other
    ]
    sample = [figures("en", 0.01), figures("de", -0.02), figures("fr", 0.04), figures("es", 0.01)]

    assert passing(chorus, sample) == ("en",)
