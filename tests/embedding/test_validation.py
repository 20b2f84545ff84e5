"""Invalid answers are refused, and valid ones are returned in order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors, vectors_in_order
from tests.fakes.embedding import embeddings_body, vector_of


def _answer(count: int = 3, **changes: Any) -> dict[str, Any]:
    return embeddings_body([vector_of(str(i), 8) for i in range(count)], **changes)


@pytest.mark.parametrize("as_base64", [True, False])
def test_base64_and_lists_give_the_same_vectors(as_base64: bool) -> None:
    vectors = vectors_in_order(_answer(as_base64=as_base64), count=3)
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, [vector_of(str(i), 8) for i in range(3)], rtol=1e-6)


def test_shuffled_items_are_put_in_the_order_of_the_texts() -> None:
    answer = _answer()
    answer["data"].reverse()
    np.testing.assert_allclose(
        vectors_in_order(answer, count=3), [vector_of(str(i), 8) for i in range(3)], rtol=1e-6
    )


@pytest.mark.parametrize(
    "indices",
    [(None, 1, 2), (0, None, 2), (None, None, None), ("0", "1", "2"), (0.0, 1.0, 2.0)],
)
def test_indices_that_leave_no_doubt_are_accepted(indices: tuple[object, ...]) -> None:
    """Gemini leaves the index out where it is 0."""
    answer = _answer()
    for item, index in zip(answer["data"], indices, strict=True):
        item["index"] = index
        if index is None:
            del item["index"]
    expected = [vector_of(str(i), 8) for i in range(3)]
    np.testing.assert_allclose(vectors_in_order(answer, count=3), expected, rtol=1e-6)
    if set(indices) != {None}:
        answer["data"].reverse()
        np.testing.assert_allclose(vectors_in_order(answer, count=3), expected, rtol=1e-6)


def _without_last(answer: dict[str, Any]) -> None:
    answer["data"].pop()


def _index_twice(answer: dict[str, Any]) -> None:
    answer["data"][2]["index"] = 0


def _two_indices_missing(answer: dict[str, Any]) -> None:
    del answer["data"][0]["index"], answer["data"][1]["index"]


def _every_index_zero(answer: dict[str, Any]) -> None:
    for item in answer["data"]:
        item["index"] = 0


def _index_true(answer: dict[str, Any]) -> None:
    answer["data"][1]["index"] = True


def _index_past_the_end(answer: dict[str, Any]) -> None:
    answer["data"][2]["index"] = 3


def _other_dims(answer: dict[str, Any]) -> None:
    answer["data"][1]["embedding"] = [0.1, 0.2]


def _broken_base64(answer: dict[str, Any]) -> None:
    answer["data"][1]["embedding"] = "not base64!"


def _cut_base64(answer: dict[str, Any]) -> None:
    answer["data"][1]["embedding"] = answer["data"][1]["embedding"][:-4]


def _words(answer: dict[str, Any]) -> None:
    answer["data"][1]["embedding"] = ["a", "b"]


def _nothing(answer: dict[str, Any]) -> None:
    answer["data"][1]["embedding"] = None


def _no_data(answer: dict[str, Any]) -> None:
    del answer["data"]


@pytest.mark.parametrize(
    "spoil",
    [
        _without_last,
        _index_twice,
        _two_indices_missing,
        _every_index_zero,
        _index_true,
        _index_past_the_end,
        _other_dims,
        _broken_base64,
        _cut_base64,
        _words,
        _nothing,
        _no_data,
    ],
)
def test_an_invalid_answer_is_refused(spoil: Any) -> None:
    answer = _answer()
    spoil(answer)
    with pytest.raises(UntrustedAnswer):
        vectors_in_order(answer, count=3)


@pytest.mark.parametrize("answer", [None, [], "text", 1, {"data": {}}])
def test_an_answer_of_another_shape_is_refused(answer: Any) -> None:
    with pytest.raises(UntrustedAnswer, match="no list `data`"):
        vectors_in_order(answer, count=1)


def test_a_longer_vector_is_truncated_and_normalised() -> None:
    long = np.stack([vector_of("a", 64), vector_of("b", 64)]) * 7
    cut = unit_vectors(long, dims=16)
    assert cut.shape == (2, 16)
    assert cut.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(cut, axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(cut[0], vector_of("a", 16), rtol=1e-5)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 3e38])
def test_components_that_are_not_finite_are_refused(bad: float) -> None:
    vectors = np.ones((2, 4), dtype=np.float32)
    vectors[1, :2] = bad
    with pytest.raises(UntrustedAnswer):
        unit_vectors(vectors, dims=4)


def test_a_zero_vector_is_refused() -> None:
    with pytest.raises(UntrustedAnswer, match="zero"):
        unit_vectors(np.zeros((1, 4), dtype=np.float32), dims=4)


def test_too_few_dims_are_refused() -> None:
    with pytest.raises(UntrustedAnswer, match="4 dims where 8 are needed"):
        unit_vectors(np.ones((1, 4), dtype=np.float32), dims=8)
