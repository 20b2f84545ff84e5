"""What a reranker reads of a hit, and the score of a hit with several texts."""

from __future__ import annotations

import math

from es_hybrid.retrieval.execution.reranked_texts import best_scores, texts_to_rerank
from es_hybrid.retrieval.nodes import (
    Chunks,
    DocumentText,
    Rerank,
    Standard,
)


def _rerank(chunks: Chunks | None = None) -> Rerank:
    return Rerank(child=Standard(), text="blue shoe", field="title", chunks=chunks)


def test_the_whole_text_or_its_best_chunks() -> None:
    text = "A kettle is red. The shoe is blue. Nothing of it."
    hit = {"fields": {"title": [text]}}
    assert texts_to_rerank(_rerank(), hit) == [DocumentText(text)]
    assert texts_to_rerank(_rerank(Chunks(max_words=4)), hit) == [
        DocumentText("The shoe is blue. ")
    ]
    assert texts_to_rerank(_rerank(Chunks()), {}) == [DocumentText("")]


def test_the_best_text_of_a_hit_decides() -> None:
    nan = math.nan
    best = best_scores([0.1, 0.7, nan, 0.2, nan, nan, -3.0], [2, 1, 1, 2, 1])
    assert best[0] == 0.7
    assert math.isnan(best[1])
    assert best[2] == 0.2
    assert math.isnan(best[3])
    assert best[4] == -3.0
