"""What reranking adds, by language."""

import numpy as np
import pytest

from es_hybrid.evaluation.judgements import Query
from training.gate import WINDOW, measure_gain

QUERIES = [Query("1", "mouse", "en"), Query("1-zh", "鼠标", "zh-CN")]
QRELS = {"1": {"good": 3, "bad": 0}, "1-zh": {"good": 3, "bad": 0}}


def test_a_reranker_that_puts_the_good_one_first_gains() -> None:
    english, chinese = measure_gain(
        QUERIES,
        QRELS,
        lambda query: ["bad", "unjudged", "good"],
        str,
        # It knows English only, and leaves the Chinese list as it is.
        lambda query, texts: np.array(
            [float(query == "mouse" and text == "good") for text in texts], dtype=np.float32
        ),
    )

    second = 1 / np.log2(3)
    assert (english.language, english.queries) == ("en", 1)
    assert english.before == pytest.approx(second)
    assert english.after == 1
    assert english.low == pytest.approx(1 - second)
    assert english.high == pytest.approx(1 - second)
    assert (chinese.language, chinese.gain) == ("zh", 0)


def test_what_lies_beyond_the_window_stays_where_it_is() -> None:
    ids = [*(f"other{n}" for n in range(WINDOW)), "bad", "good"]

    (english,) = measure_gain(
        QUERIES[:1],
        QRELS,
        lambda query: ids,
        str,
        lambda query, texts: np.array([text == "good" for text in texts], dtype=np.float32),
    )

    assert english.gain == 0
