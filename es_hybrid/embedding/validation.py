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

    Args:
        answer: `{"data": [{"index": int, "embedding": base64 or list}, …]}`.
        count: Number of texts sent.

    Raises:
        UntrustedAnswer: an item is missing, duplicate or unreadable, or dims differ.
    """
    items = answer.get("data") if isinstance(answer, Mapping) else None
    if not isinstance(items, list):
        raise UntrustedAnswer("the answer has no list `data`")
    by_index = {item.get("index"): item for item in items if isinstance(item, Mapping)}
    if len(items) != count or sorted(by_index, key=str) != sorted(range(count), key=str):
        raise UntrustedAnswer(
            f"{len(items)} items with {len(by_index)} distinct indices for {count} texts"
        )
    rows = [_decode(by_index[index].get("embedding")) for index in range(count)]
    dims = {len(row) for row in rows}
    if len(dims) != 1:
        raise UntrustedAnswer(f"vectors of different dims: {sorted(dims)}")
    return np.stack(rows)


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
