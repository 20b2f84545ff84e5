"""Validates the answers of embedders.

Servers and clients pass on NaN, missing, shuffled or duplicate items without an error, and a wrong
vector in the index goes unnoticed. Therefore every vector is checked here.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Elasticsearch rejects shorter vectors for cosine similarity, and their direction is noise.
MIN_NORM = 1e-6


class UntrustedAnswer(ValueError):
    """The answer must not be used. Repeating the request may help."""


def vectors_in_order(answer: object, *, count: int) -> NDArray[np.float32]:
    """Read an OpenAI-style answer: `[count, dims]` float32 in the order of the texts.

    Servers leave `index` out: Gemini's where it is 0, others everywhere. That is accepted if it
    leaves no doubt about the order.

    Args:
        answer: `{"data": [{"index": int, "embedding": base64 or list}, …]}`.
        count: Number of texts sent.

    Raises:
        UntrustedAnswer: an item is missing, duplicate or unreadable, the order is unclear, or dims
            differ.
    """
    items = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(items, list):
        raise UntrustedAnswer("the answer has no list `data`")
    if len(items) != count or not all(isinstance(item, Mapping) for item in items):
        raise UntrustedAnswer(f"{len(items)} items for {count} texts")
    order = _order([item.get("index") for item in items])
    rows = [_decode(items[place].get("embedding")) for place in order]
    dims = {len(row) for row in rows}
    if len(dims) != 1:
        raise UntrustedAnswer(f"vectors of different dims: {sorted(dims)}")
    return np.stack(rows)


def _order(indices: list[object]) -> list[int]:
    """The places of the items in the order of the texts, by their indices; None where left out.

    Raises:
        UntrustedAnswer: the order is unclear.
    """
    places = range(len(indices))
    if all(index is None for index in indices):
        return list(places)
    numbers = [_whole_number(index) for index in indices]
    left = set(places).difference(numbers)
    if numbers.count(None) == 1 == len(left):
        numbers[numbers.index(None)] = left.pop()
    place_of = dict(zip(numbers, places, strict=True))
    if set(place_of) != set(places):
        raise UntrustedAnswer(f"the indices are not each of 0 to {places[-1]}: {indices[:5]}…")
    return [place_of[number] for number in places]


def _whole_number(index: object) -> int | None:
    """An index, also as `"3"` or 3.0; -1 for anything that is none, None where it is left out."""
    match index:
        case None | bool():
            return None if index is None else -1
        case int():
            return index
        case float() if index.is_integer():
            return int(index)
        case str() if index.isascii() and index.isdigit() and len(index) < 10:
            return int(index)
        case _:
            return -1


def unit_vectors(vectors: NDArray[np.float32], *, dims: int) -> NDArray[np.float32]:
    """Truncate vectors to the first `dims` components and normalise them to length 1.

    Truncation requires a model trained for it, such as Qwen3-Embedding (Matryoshka representation
    learning, Kusupati et al. 2022, arXiv:2205.13147).

    Args:
        vectors: `[n, d]` float32 with d >= dims.

    Raises:
        UntrustedAnswer: a vector has too few dims, is not finite, or is zero.
    """
    if vectors.shape[1] < dims:
        raise UntrustedAnswer(f"{vectors.shape[1]} dims where {dims} are needed")
    if not np.isfinite(vectors).all():
        raise UntrustedAnswer("a vector contains NaN or infinity")
    cut = vectors[:, :dims]
    with np.errstate(over="ignore"):  # an overflow is detected below as an infinite length
        norms = np.linalg.norm(cut, axis=1, keepdims=True)
    if not (norms >= MIN_NORM).all():
        raise UntrustedAnswer("a vector is zero")
    if not np.isfinite(norms).all():
        raise UntrustedAnswer("a vector is too long for float32")
    return np.asarray(cut / norms, dtype=np.float32)


def _decode(embedding: str | Sequence[float] | Any) -> NDArray[np.float32]:
    """One vector from base64-encoded little-endian float32 or from a list of numbers."""
    try:
        if isinstance(embedding, str):
            return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
        vector = np.asarray(embedding, dtype=np.float32)
    except (binascii.Error, ValueError, TypeError) as error:
        raise UntrustedAnswer(f"an embedding cannot be read: {error}") from None
    if vector.ndim != 1 or not vector.size:
        raise UntrustedAnswer("an embedding is not a list of numbers")
    return vector
