"""A reranker whose scores are kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from es_hybrid.evaluation.tuning.scored_once import (
    ScoredOnce,
    heeds_instructions,
    scores_by_pair,
)
from es_hybrid.reranking import required_reranker
from es_hybrid.settings import RerankSettings
from tests.fakes.models import FakeReranker
from tests.fakes.reranking import by_length


class RelativeReranker(FakeReranker):
    """Scores each text relative to the others of the call."""

    def score(
        self, query: str, documents: Sequence[str], instruction: str | None = None, **more: Any
    ) -> NDArray[np.float32]:
        scores = super().score(query, documents, instruction, **more)
        relative: NDArray[np.float32] = scores / scores.max() * (0.5 if instruction else 1.0)
        return relative


def test_each_document_is_scored_once() -> None:
    inner = FakeReranker()
    once = ScoredOnce(inner, by_pair=True)
    for documents in (["aa", "b"], ["b", "cccc", "aa", "b"], ["aa"]):
        expected = [by_length(text) for text in documents]
        assert once.score("q", documents).tolist() == pytest.approx(expected)
    once.score("q", ["aa"], "Judge")
    assert [call.documents for call in inner.calls] == [["aa", "b"], ["cccc"], ["aa"]]
    assert once.pairs == 4


def test_each_list_is_scored_once_if_documents_depend_on_each_other() -> None:
    inner = RelativeReranker()
    once = ScoredOnce(inner, by_pair=False)
    for documents in (["aa", "b"], ["b", "aa"], ["aa"], ["aa", "b"]):
        expected = RelativeReranker().score("q", documents)
        assert once.score("q", documents).tolist() == expected.tolist()
    assert len(inner.calls) == 3
    assert once.pairs == 5


def test_what_scores_depend_on_is_found_out() -> None:
    assert scores_by_pair(FakeReranker())
    assert not scores_by_pair(RelativeReranker())
    assert heeds_instructions(RelativeReranker())
    assert not heeds_instructions(FakeReranker())


def test_the_bundled_model_scores_a_batch_together() -> None:
    """Its activations are quantised by batch; see docs/tuning.md."""
    reranker = required_reranker(RerankSettings())
    assert not scores_by_pair(reranker)
    assert not heeds_instructions(reranker)
    reranker.close()
