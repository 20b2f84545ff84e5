"""Batches contain every document once, respect the budget, and need little padding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.reranking.batching import batches


@settings(deadline=None)
@given(st.lists(st.integers(1, 500)), st.integers(1, 2000))
def test_every_document_once_within_the_budget(lengths: list[int], budget: int) -> None:
    groups = batches(lengths, budget)
    assert sorted(i for group in groups for i in group) == list(range(len(lengths)))
    for group in groups:
        width = max(lengths[i] for i in group)
        assert width * len(group) <= budget or len(group) == 1


def test_documents_of_similar_length_share_a_batch() -> None:
    assert batches([300, 20, 310, 22], budget=700) == [[1, 3], [0, 2]]


def test_no_documents() -> None:
    assert batches([], budget=10) == []
