"""Reciprocal rank fusion.

Cormack, Clarke, Büttcher: "Reciprocal Rank Fusion outperforms Condorcet and individual Rank
Learning Methods", SIGIR 2009.
"""

from __future__ import annotations

from collections.abc import Sequence

RANK_CONSTANT = 60


def reciprocal_rank_fusion(
    rankings: Sequence[Sequence[str]],
    *,
    weights: Sequence[float] | None = None,
    rank_constant: int = RANK_CONSTANT,
) -> list[tuple[str, float]]:
    """Fuse rankings by the sum of weight / (rank_constant + rank), rank from 1.

    Args:
        rankings: Ids, best first; an id at most once in each.
        weights: One a ranking, >= 0; 1 each by default.
        rank_constant: >= 1; the larger, the less the first ranks stand out.

    Returns:
        (id, score) of every id, best first. Equal scores keep the order of first appearance:
        the earlier ranking's hits stand first.
    """
    scores: dict[str, float] = {}
    for ranking, weight in zip(rankings, weights or [1.0] * len(rankings), strict=True):
        for rank, id_ in enumerate(ranking, start=1):
            scores[id_] = scores.get(id_, 0.0) + weight / (rank_constant + rank)
    return sorted(scores.items(), key=lambda item: -item[1])
