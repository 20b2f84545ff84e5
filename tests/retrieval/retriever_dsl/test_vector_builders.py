"""Which builders of query vectors have a text that is embedded here."""

from __future__ import annotations

from typing import Any

import pytest

from es_hybrid.errors import RequestRefused
from es_hybrid.retrieval.retriever_dsl.vector_builders import is_text, text_of

TEXT = {"type": "text", "value": "red"}


@pytest.mark.parametrize(
    "builder",
    [
        {"text_embedding": {"model_id": "any", "model_text": "red"}},
        {"text_embedding": {"model_text": "red"}},
        {"embedding": {"inference_id": "any", "input": "red"}},
        {"embedding": {"input": TEXT, "timeout": "1s"}},
        {"embedding": {"input": {**TEXT, "format": "text"}}},
        {"embedding": {"input": [TEXT]}},
    ],
    ids=str,
)
def test_a_text_is_embedded_here(builder: dict[str, Any]) -> None:
    assert is_text(builder)
    assert text_of("knn", builder) == "red"


@pytest.mark.parametrize(
    "builder",
    [
        {"lookup": {"id": "1", "index": "a", "path": "v"}},
        {"embedding": {"input": {"type": "image", "value": "data:…"}}},
        {"embedding": {"input": [TEXT, TEXT]}},
        {"embedding": {"input": []}},
        {"embedding": {}},
        {"embedding": "red"},
        {"something_new": {"text": "red"}},
        {},
        {"text_embedding": {"model_text": "red"}, "lookup": {}},
        None,
    ],
    ids=str,
)
def test_all_others_are_the_cluster_s(builder: Any) -> None:
    assert not is_text(builder)
    if isinstance(builder, dict):
        assert text_of("knn", builder) is None


@pytest.mark.parametrize(
    ("builder", "reason"),
    [
        ({"text_embedding": {"model_id": "any"}}, "Required [model_text]"),
        ({"text_embedding": 3}, "[text_embedding] doesn't support values of type: VALUE_NUMBER"),
        ({"text_embedding": {"model_text": "x" * 10_001}}, "at most [10000] characters"),
        ({"embedding": {"input": "x" * 10_001}}, "[input] must have at most [10000] characters"),
    ],
    ids=["no text", "no object", "long model_text", "long input"],
)
def test_what_cannot_be_embedded_is_refused(builder: dict[str, Any], reason: str) -> None:
    assert is_text(builder)
    with pytest.raises(RequestRefused) as refused:
        text_of("knn", builder)
    assert reason in refused.value.message
