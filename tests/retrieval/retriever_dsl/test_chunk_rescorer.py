"""The parameters of `chunk_rescorer`."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.execution.chunks import cut
from es_hybrid.retrieval.nodes import Chunks
from es_hybrid.retrieval.retriever_dsl.chunk_rescorer import chunk_rescorer


@pytest.mark.parametrize(
    ("settings", "chunks"),
    [
        ({}, Chunks()),
        ({"max_chunk_size": 50}, Chunks(max_words=50)),
        ({"strategy": "sentence", "max_chunk_size": 50}, Chunks(max_words=50, overlap=1)),
        (
            {"strategy": "sentence", "max_chunk_size": 50, "sentence_overlap": 0},
            Chunks(max_words=50),
        ),
        (
            {"strategy": "word", "max_chunk_size": 50, "overlap": 20},
            Chunks(strategy="word", max_words=50, overlap=20),
        ),
    ],
    ids=str,
)
def test_settings(settings: dict[str, Any], chunks: Chunks) -> None:
    assert chunk_rescorer({"chunking_settings": settings}) == chunks
    assert chunk_rescorer({"size": 3}) == Chunks(size=3)


def test_a_strategy_of_the_cluster_s_alone() -> None:
    settings = {"strategy": "recursive", "max_chunk_size": 50, "separator_group": "markdown"}
    assert chunk_rescorer({"chunking_settings": settings}) is None
    uncut = chunk_rescorer({"chunking_settings": {"strategy": "none"}, "size": 2})
    assert uncut is not None
    assert list(cut("One. Two.\n" * 1000, uncut)) == ["One. Two.\n" * 1000]


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({"size": 0}, "size must be greater than 0, was: 0"),
        ({"zzz": 1}, "[chunk_rescorer] unknown field [zzz]"),
        ({"chunking_settings": {"zzz": 1}}, "unknown field [zzz]"),
        ({"chunking_settings": {"strategy": "sentence"}}, "Required [max_chunk_size]"),
        ({"chunking_settings": {"max_chunk_size": 5}}, "greater than or equal to [20]"),
        (
            {"chunking_settings": {"strategy": "word", "max_chunk_size": 9, "overlap": 1}},
            "greater than or equal to [10]",
        ),
        (
            {"chunking_settings": {"strategy": "word", "max_chunk_size": 50, "overlap": 26}},
            "[overlap] must be between [0] and [25], was [26]",
        ),
    ],
    ids=str,
)
def test_wrong_settings_are_refused(value: dict[str, Any], reason: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        chunk_rescorer(value)
    assert reason in refused.value.message
    assert refused.value.status == 400
