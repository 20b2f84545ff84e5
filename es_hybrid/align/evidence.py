"""The evidence for and against each pair, as numbers.

A cosine alone says little: similar products in one language are as close as the same product in
two. The margin over the next product says more, in both directions (Artetxe, Schwenk 2019,
"Margin-based Parallel Corpus Mining with Multilingual Sentence Embeddings", ACL).
docs/alignment.md has figures.
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

# Cosine of an assumed competitor if there is none: two different products of one trade.
_LEAST_RIVAL = 0.4
# Leads are clipped to this.
_LEAD = 0.2


class FoundPair(NamedTuple):
    """A pair that blocking found: ids, cosine, and stages."""

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
    """The comparison of the titles of each pair."""
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

    `lead` is the cosine minus that of the best other product of the right one's language and side;
    `lead_back` is the same from the right product's view. Both are clipped to ±0.2.

    Args:
        same_side: Whether a catalogue is aligned with itself; each pair occurs once.
    """
    cosines = np.array([pair.cosine for pair in pairs])
    sides = ("", "") if same_side else ("left", "right")
    forth = [(sides[0], pair.left_id, rights[pair.right_id].product.lang) for pair in pairs]
    back = [(sides[1], pair.right_id, lefts[pair.left_id].product.lang) for pair in pairs]
    facts = [
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
        [*columns, np.array(facts, dtype=float).reshape(len(pairs), len(FEATURES) - len(columns))]
    )


def _leads(
    rivals: Sequence[tuple[str, str, str]], cosines: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Each cosine minus the best other cosine of its group of rivals."""
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
