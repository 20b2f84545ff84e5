"""Limits are read from what servers really answer."""

from __future__ import annotations

import pytest

from es_hybrid.embedding.limits import batch_limit, is_too_long, share_to_keep


@pytest.mark.parametrize(
    ("reason", "limit"),
    [
        ("batch size 32 > maximum allowed batch size 8", 8),
        ("Value error, batch size is invalid, it should not be larger than 10.: input", 10),
        ("invalid request: total number of texts must be at most 16 - received 32", 16),
        ("too many documents, at most 10", 10),
        ("BatchEmbedContentsRequest.requests: at most 20 requests can be in one batch", 20),
        ("array too long. Expected an array with maximum length 24, but got 32", 24),
        ("List should have at most 8 items after validation, not 32", 8),
        ("String should have at most 16 characters", None),
        ("`inputs` must have less than 16 tokens. Given: 900", None),
        ("This model's maximum context length is 8192 tokens", None),
        ("maximum allowed batch size 512", None),
        ("no such model: qwen3-8", None),
        ("", None),
    ],
)
def test_batch_limit(reason: str, limit: int | None) -> None:
    assert batch_limit(reason, 32) == limit


@pytest.mark.parametrize(
    ("reason", "share"),
    [
        ("`inputs` must have less than 512 tokens. Given: 1024", 0.475),
        ("maximum context length is 8192 tokens, however you requested 16384 tokens", 0.475),
        ("the input length exceeds the context length", 0.5),
        ("must have less than 512 tokens. Given: 100", 0.5),
        ("String should have at most 122880 characters", 0.5),
    ],
)
def test_share_to_keep(reason: str, share: float) -> None:
    assert is_too_long(reason)
    assert share_to_keep(reason) == pytest.approx(share)


@pytest.mark.parametrize("reason", ["input cannot be an empty string", "no such model", ""])
def test_other_refusals_are_not_about_length(reason: str) -> None:
    assert not is_too_long(reason)
