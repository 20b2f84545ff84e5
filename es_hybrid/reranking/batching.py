"""Groups documents: into portions to encode, and these into batches for the model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Encode", "Scorer", "Work", "batches", "portions"]


@dataclass(frozen=True, slots=True)
class Work:
    """Some documents of a query, encoded.

    Attributes:
        lengths: Tokens of each document.
        logits: Maps indices of documents to their logits, float32, in the same order.
        budget: Tokens per batch, padding included.
    """

    lengths: Sequence[int]
    logits: Callable[[Sequence[int]], NDArray[np.float32]]
    budget: int


Encode = Callable[[Sequence[str]], Work]
"""Encodes documents of a query."""


class Scorer(Protocol):
    """Scoring for one model architecture. Safe to call from several threads."""

    def prepare(self, query: str, instruction: str, *, shared: bool) -> Encode:
        """Encode the query.

        Args:
            shared: Whether several documents follow.

        Raises:
            RerankError: the query is blank, or the instruction is too long.
        """


def portions(lengths: Sequence[int], *, characters: int, most: int | None) -> Iterator[range]:
    """Divide documents, in the given order, into portions that are small enough to encode at once.

    Args:
        lengths: Characters of each document.
        characters: Characters per portion. A longer document gets a portion of its own.
        most: Documents per portion; None for any number.

    >>> list(portions([5, 9, 2, 3], characters=10, most=None))
    [range(0, 1), range(1, 2), range(2, 4)]
    """
    start = taken = 0
    for end, length in enumerate(lengths):
        if end > start and (taken + length > characters or end - start == most):
            yield range(start, end)
            start, taken = end, 0
        taken += length
    if start < len(lengths):
        yield range(start, len(lengths))


def batches(lengths: Sequence[int], budget: int) -> list[list[int]]:
    """Group documents of similar length, to minimise padding.

    Args:
        lengths: Tokens of each document.
        budget: Tokens per batch, padding included. A longer document gets a batch of its own.

    Returns:
        Indices of the documents per batch, the shortest documents first.

    >>> batches([5, 100, 6], budget=20)
    [[0, 2], [1]]
    """
    groups: list[list[int]] = []
    for index in sorted(range(len(lengths)), key=lambda i: lengths[i]):
        # Lengths ascend, so the new document is the longest and sets the width of the batch.
        if groups and lengths[index] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
