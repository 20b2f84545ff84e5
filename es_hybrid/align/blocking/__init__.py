"""Blocking: choosing the pairs of products that are compared at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from es_hybrid.records import Product
from es_hybrid.retrieval.response import StageRank

__all__ = ["Blocker", "Candidate", "Embedded", "joined"]


@dataclass(frozen=True, slots=True)
class Embedded:
    """A product with its vector: `[2 * dims]` float32 of length 1, see `joined`."""

    product: Product
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A product that may be the same as another one.

    Attributes:
        cosine: Cosine of both vectors, -1 to 1: the mean of the titles' and the texts' cosines.
        stages: How it was found: stage -> rank from 1 and score.
    """

    product: Product
    cosine: float
    stages: Mapping[str, StageRank]


class Blocker(Protocol):
    """Finds candidates. A product is never its own candidate."""

    def candidates(self, lefts: Sequence[Embedded]) -> list[list[Candidate]]:
        """The most likely candidates of each product in every language, in no order."""


def joined(titles: NDArray[np.float32], texts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Vectors whose cosine is the mean of two: `[n, d]`, `[n, d]` -> `[n, 2 * d]`.

    The title distinguishes models, the whole text explains a short title. On the three catalogues
    of docs/alignment.md the mean finds more counterparts than either.
    """
    return np.asarray(np.concatenate([titles, texts], axis=1) / 2**0.5, dtype=np.float32)
