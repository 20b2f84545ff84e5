"""What speaks for and against each pair, as numbers.

A cosine by itself says little: look-alikes of one language are as near as the same product in two.
What says more is by how much a product is nearer than the next one (Artetxe, Schwenk 2019,
"Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings", ACL), in both
directions. docs/alignment.md has figures.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.compare.facts import FactComparison, Facts, compare
from es_hybrid.retrieval.response import StageRank

__all__ = ["FEATURES", "FoundPair", "comparisons", "features"]

FEATURES = (
    "cosine", "lead", "lead_back", "same_quantity", "other_quantity", "shared_marks",
    "shared_numbers", "other_numbers",
)  # fmt: skip
"""The columns of `features`."""

# Stands for a competitor where a catalogue has none: two unlike products of one trade.
_LEAST_RIVAL = 0.4
# A lead counts up to this.
_LEAD = 0.2


class FoundPair(NamedTuple):
    """A pair that blocking found: ids, cosine, and how it was found."""

    left_id: str
    right_id: str
    cosine: float
    stages: Mapping[str, StageRank] = {}

    @property
    def ids(self) -> tuple[str, str]:
        """(left id, right id)."""
        return self.left_id, self.right_id


def comparisons(
    pairs: Sequence[FoundPair], lefts: Mapping[str, Facts], rights: Mapping[str, Facts]
) -> list[FactComparison]:
    """The titles of each pair, held against each other."""
    return [compare(lefts[pair.left_id], rights[pair.right_id]) for pair in pairs]


def features(
    pairs: Sequence[FoundPair],
    lefts: Mapping[str, Facts],
    rights: Mapping[str, Facts],
    compared: Sequence[FactComparison],
    *,
    same_side: bool,
) -> NDArray[np.float64]:
    """`[n, len(FEATURES)]` float64, a row for each pair.

    `lead` is the cosine less that of the best other product of the right one's language and side;
    `lead_back` the same seen from the right product. Both are cut at ±0.2.

    Args:
        same_side: Whether a catalogue is aligned with itself; each pair stands here once.
    """
    cosines = np.array([pair.cosine for pair in pairs])
    sides = ("", "") if same_side else ("left", "right")
    forth = [(sides[0], pair.left_id, rights[pair.right_id].product.lang) for pair in pairs]
    back = [(sides[1], pair.right_id, lefts[pair.left_id].product.lang) for pair in pairs]
    told = [
        (
            seen.same_quantity,
            bool(seen.other_quantity),
            seen.shared_marks,
            seen.shared_numbers,
            seen.other_numbers,
        )
        for seen in compared
    ]
    leads = _leads(forth + back, np.concatenate([cosines, cosines]))
    columns = [cosines, leads[: len(pairs)], leads[len(pairs) :]]
    return np.column_stack(
        [*columns, np.array(told, dtype=float).reshape(len(pairs), len(FEATURES) - len(columns))]
    )


def _leads(
    rivals: Sequence[tuple[str, str, str]], cosines: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each cosine less the best other of its group of rivals."""
    best: defaultdict[tuple[str, str, str], list[float]] = defaultdict(lambda: [_LEAST_RIVAL] * 2)
    for group, cosine in zip(rivals, cosines.tolist(), strict=True):
        first, second = best[group]
        if cosine > first:
            best[group] = [cosine, first]
        elif cosine > second:
            best[group] = [first, cosine]
    leads = [
        cosine - (best[group][1] if cosine >= best[group][0] else best[group][0])
        for group, cosine in zip(rivals, cosines.tolist(), strict=True)
    ]
    return np.asarray(np.clip(leads, -_LEAD, _LEAD), dtype=np.float64)
