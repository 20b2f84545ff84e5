"""Fusing rankings as Elasticsearch does: by rank (`rrf`) and by score (`linear`).

Reciprocal rank fusion: Cormack, Clarke, Büttcher, SIGIR 2009. Elasticsearch adds in float32 and
breaks ties by the document's place in the index, and so does this module: otherwise two hits that
differ in the eighth digit, or not at all, would change places.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from es_hybrid.retrieval.nodes import Normalizer
from es_hybrid.retrieval.plan import Key

# Scores closer than this count as equal (Elasticsearch's constant).
_EPSILON = 1e-6
_FLOAT32 = struct.Struct("f")
# Elasticsearch scores pinned documents higher, and caps all others.
_MAX_ORGANIC_BITS = 0x7F000000
MAX_ORGANIC_SCORE = 2.0**127


class Ranked(NamedTuple):
    """One hit of a ranking.

    Attributes:
        score: float32 widened to double.
        place: Position of the document in the index; for equal scores the lower one comes first.
    """

    key: Key
    score: float
    place: tuple[int, int]


Ranking = list[Ranked]


def rrf(rankings: Sequence[Ranking], weights: Sequence[float], *, rank_constant: int) -> Ranking:
    """Fuse by the sum of weight / (rank_constant + rank), rank from 1.

    Args:
        rankings: Best first, each key at most once.
        weights: One for each ranking, >= 0.
        rank_constant: >= 1; a larger value flattens the lead of the first ranks.
    """
    shares = [_shares(len(ranking), weight, rank_constant) for ranking, weight in
              zip(rankings, weights, strict=True)]  # fmt: skip
    return _summed(rankings, shares)


def linear(
    rankings: Sequence[Ranking], weights: Sequence[float], normalizers: Sequence[Normalizer]
) -> Ranking:
    """Fuse by the sum of weight * normalised score; a missing hit counts 0."""
    shares = [
        np.float32(weight) * normalized([hit.score for hit in ranking], normalizer)
        for ranking, weight, normalizer in zip(rankings, weights, normalizers, strict=True)
    ]
    return _summed(rankings, shares)


def normalized(scores: Sequence[float], normalizer: Normalizer) -> NDArray[np.float32]:
    """The scores of one ranking, `[n]` float32, made comparable with those of others.

    `minmax` scales them to [0, 1], and equal scores, or a single one, to 1. `l2_norm` divides them
    by their Euclidean norm, unless all are zero.
    """
    values = np.asarray(scores, dtype=np.float32)
    if not values.size or normalizer == "none":
        return values
    if normalizer == "minmax":
        low, high = values.min(), values.max()
        if high - low < _EPSILON:
            return np.ones(values.shape, dtype=np.float32)
        scaled: NDArray[np.float32] = (values - low) / (high - low)
        return scaled
    # Squared in float32 and summed in double, as in Elasticsearch.
    norm = np.sqrt(np.sum((values * values).astype(np.float64)))
    return values if norm < _EPSILON else (values / norm).astype(np.float32)


def by_reranker(hits: Ranking) -> Ranking:
    """Hits with the scores s of a reranker, ranked by max(s, 0) + min(exp(s), 1).

    That is how Elasticsearch makes every score positive.

    Args:
        hits: Their scores are any numbers: in [0, 1], or logits.
    """
    values = np.asarray([hit.score for hit in hits], dtype=np.float32)
    small = np.exp(np.minimum(values, 0).astype(np.float64)).astype(np.float32)
    shifted: list[float] = (np.maximum(values, 0) + small).tolist()
    pairs = zip(hits, shifted, strict=True)
    return best_first(hit._replace(score=score) for hit, score in pairs)


def pinned_score(place_from_last: int) -> float:
    """The score of a pinned document, above anything that a query can return."""
    bits = _MAX_ORGANIC_BITS + 1 + place_from_last
    score: float = _FLOAT32.unpack(struct.pack("I", bits))[0]
    return score


def interpolated(reranked: Ranking, first_stage: Ranking, *, weight: float) -> Ranking:
    """The best by the reranker's scores and those of the first stage, scaled to [0, 1].

    A first stage that cannot tell its hits apart adds the same to each of them.

    Wang, Zhuang, Zuccon: "BERT-based Dense Retrievers Require Interpolation with BM25 for
    Effective Passage Retrieval", ICTIR 2021.

    Args:
        reranked: Hits of the first stage with the reranker's scores in [0, 1]; equal ones keep
            their order.
        first_stage: The hits that were sent to the reranker.
        weight: Weight of the reranker's scores, (0, 1].
    """
    before = scaled(first_stage)

    def mixed(hit: Ranked) -> float:
        return weight * hit.score + (1 - weight) * before[hit.key]

    # Not by the rounded scores: with 1 added, small ones would be equal.
    best = sorted(reranked, key=mixed, reverse=True)
    return [hit._replace(score=rounded(mixed(hit))) for hit in best]


def scaled(first_stage: Ranking) -> dict[Key, float]:
    """The scores of a first stage, scaled to [0, 1]."""
    scores: list[float] = normalized([hit.score for hit in first_stage], "minmax").tolist()
    return {hit.key: score for hit, score in zip(first_stage, scores, strict=True)}


def best_first(hits: Iterable[Ranked]) -> Ranking:
    """The hits by descending score, ties by ascending place."""
    return sorted(hits, key=lambda hit: (-hit.score, hit.place))


def shown(score: float) -> float:
    """A float32 score as Elasticsearch prints it: the shortest decimal that identifies it."""
    return float(str(np.float32(score)))


def shown_scores(ranking: Ranking) -> list[float]:
    """The scores of a ranking, see `shown`."""
    return [shown(hit.score) for hit in ranking]


def _shares(count: int, weight: float, rank_constant: int) -> NDArray[np.float32]:
    ranks = np.arange(rank_constant + 1, rank_constant + count + 1, dtype=np.float32)
    return np.float32(weight) * (np.float32(1) / ranks)


def _summed(rankings: Sequence[Ranking], shares: Sequence[NDArray[np.float32]]) -> Ranking:
    scores: dict[Key, float] = {}
    places: dict[Key, tuple[int, int]] = {}
    for ranking, share in zip(rankings, shares, strict=True):
        for (key, _, place), value in zip(ranking, share.tolist(), strict=True):
            known = scores.get(key)
            if known is None:
                scores[key], places[key] = value, place
                continue
            scores[key] = rounded(known + value)
            # A leaf without known places has a higher one than any other.
            if place < places[key]:
                places[key] = place
    # Plain tuples sort faster than hits by a key; the number keeps the order of equal ones.
    order = sorted(
        (-score, places[key], number, key) for number, (key, score) in enumerate(scores.items())
    )
    return [Ranked(key, -negative, place) for negative, place, _, key in order]


def rounded(value: float) -> float:
    """Round to float32. A double sum of two float32 rounds to their float32 sum."""
    try:
        rounded: float = _FLOAT32.unpack(_FLOAT32.pack(value))[0]
    except OverflowError:  # pinned documents score 2^127, and a few of them add up to more
        return math.inf
    return rounded
