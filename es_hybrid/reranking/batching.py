"""Groups documents into batches for the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scorer", "Work", "batches"]


@dataclass(frozen=True, slots=True)
class Work:
    """One query's documents, encoded.

    Attributes:
        lengths: Tokens of each document.
        logits: Maps indices of documents to their logits, float32, in the same order.
        budget: Tokens per batch, padding included.
    """

    lengths: Sequence[int]
    logits: Callable[[Sequence[int]], NDArray[np.float32]]
    budget: int


class Scorer(Protocol):
    """Scoring for one model architecture. Safe to call from several threads."""

    def prepare(self, query: str, documents: Sequence[str], instruction: str) -> Work:
        """Encode the documents and compute what they share.

        Raises:
            RerankError: the query is blank, or the instruction is too long.
        """


def batches(lengths: Sequence[int], budget: int, *, window: int = 0) -> list[list[int]]:
    """Group documents of similar length, to minimise padding.

    Args:
        lengths: Tokens of each document.
        budget: Tokens per batch, padding included. A longer document gets a batch of its own.
        window: Finish this many documents before any later ones; 0 to ignore the given order.

    Returns:
        Indices of the documents per batch; within a window the shortest documents come first.

    >>> batches([5, 100, 6], budget=20)
    [[0, 2], [1]]
    """
    window = window or max(len(lengths), 1)
    groups: list[list[int]] = []
    for start in range(0, len(lengths), window):
        inside = range(start, min(start + window, len(lengths)))
        groups += _by_length(lengths, inside, budget)
    return groups


def _by_length(lengths: Sequence[int], indices: Iterable[int], budget: int) -> list[list[int]]:
    groups: list[list[int]] = []
    for index in sorted(indices, key=lambda i: lengths[i]):
        # Lengths ascend, so the new document is the longest and sets the width of the batch.
        if groups and lengths[index] * (len(groups[-1]) + 1) <= budget:
            groups[-1].append(index)
        else:
            groups.append([index])
    return groups
