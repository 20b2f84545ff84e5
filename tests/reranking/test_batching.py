"""Batches contain every document once, respect the budget, and need little padding."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from es_hybrid.reranking.batching import batches, portions


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


@settings(deadline=None)
@given(st.lists(st.integers(0, 500)), st.integers(1, 2000), st.none() | st.integers(1, 9))
def test_portions_cover_the_documents_in_order(
    lengths: list[int], characters: int, most: int | None
) -> None:
    found = list(portions(lengths, characters=characters, most=most))
    assert [i for portion in found for i in portion] == list(range(len(lengths)))
    for portion in found:
        assert len(portion) == 1 or sum(lengths[i] for i in portion) <= characters
        assert len(portion) <= (most or len(lengths))
