"""Hits spread over the pages: at most so many of one value on each, and unlike those above them.

Maximal marginal relevance is that of `diversify`, with the scores of the stage below as relevance
and cosine as similarity.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import numpy as np

from es_hybrid.retrieval.execution.diversify import Floats, chosen
from es_hybrid.retrieval.execution.fuse import Ranking, normalized
from es_hybrid.retrieval.execution.requests import LeafResult, hits_of
from es_hybrid.retrieval.execution.stored_vectors import ReadVectors, unit_of
from es_hybrid.retrieval.needs import Need
from es_hybrid.retrieval.nodes import Spread
from es_hybrid.retrieval.plan import Key

# The best hits of the window, which are diversified. Each costs the transfer of its vector; see
# docs/merchandising.md for what more of them would change.
DIVERSIFIED = 50

# (field, value) of a hit, for each field with a limit.
LimitedValues = frozenset[tuple[str, str]]


def spread(
    node: Spread, ranking: Ranking, fixed: int, found: Sequence[LeafResult], read: ReadVectors
) -> Generator[Need, Any, Ranking]:
    """The same hits with the same scores, in their new order.

    Args:
        ranking: The child's, best first.
        fixed: Number of leading hits that keep their places; they count as well.
        found: Results of the leaves, with the fields that have a limit.
    """
    window, rest = ranking[: node.rank_window_size], ranking[node.rank_window_size :]
    best = window[:DIVERSIFIED]
    if node.field is not None and len(best) > max(fixed, 1):
        vectors = yield from read([hit.key for hit in best], node.field)
        window = [*diverse(best, vectors, node.diversity, fixed), *window[DIVERSIFIED:]]
    if node.limits:
        hits = hits_of(found, {hit.key for hit in window})
        values = {key: _values(hit, node.limits) for key, (hit, _) in hits.items()}
        window = by_pages(window, values, node.limits, node.page_size, fixed)
    return window + rest


def diverse(
    ranking: Ranking, vectors: Mapping[Key, Floats], diversity: float, fixed: int
) -> Ranking:
    """The order in which maximal marginal relevance chooses the hits.

    Args:
        vectors: `[dims]` float32; a hit without one is like no other.
        diversity: 0 to 1: weight of the distance to the nearest hit above.
        fixed: Number of leading hits that keep their places, less than all.
    """
    if not vectors:
        return ranking
    dims = len(next(iter(vectors.values())))
    nowhere = np.zeros(dims, np.float32)
    found = (unit_of(vectors.get(hit.key)) for hit in ranking)
    units = np.array([nowhere if unit is None else unit for unit in found])
    # A stage may place hits above others with a higher score: those that it did not score itself.
    scores = np.minimum.accumulate([hit.score for hit in ranking[fixed:]])
    relevance = np.concatenate([np.ones(fixed, np.float32), normalized(scores.tolist(), "minmax")])
    # The best hit stays the first: nothing above is like it.
    order = chosen(units, relevance, 1 - diversity, len(ranking), range(max(fixed, 1)), _cosines)
    return [ranking[at] for at in order]


def by_pages(
    ranking: Ranking,
    values: Mapping[Key, LimitedValues],
    limits: Mapping[str, int],
    size: int,
    fixed: int,
) -> Ranking:
    """The hits page by page: each page takes the best that are left and within the limits.

    The first page that they cannot fill takes the others as they come, and so do those behind it.

    Args:
        values: A hit without a value is not limited, one with several counts for each.
        limits: Field -> most hits of one value on a page, from 1.
        size: Hits of a page.
        fixed: Number of leading hits that keep their places.
    """
    pages: Ranking = []
    left = ranking
    while left:
        page: Ranking = []
        moved: Ranking = []
        counts: Counter[tuple[str, str]] = Counter()
        for hit in left:
            own = values[hit.key]
            stays = len(pages) + len(page) < fixed
            if not (stays or all(counts[each] < limits[each[0]] for each in own)):
                moved.append(hit)
                continue
            page.append(hit)
            counts.update(own)
            if len(page) == size:
                break
        pages += page
        if len(page) < size:
            return pages + moved
        left = moved + left[len(page) + len(moved) :]
    return pages


def _values(hit: Mapping[str, Any], limits: Mapping[str, int]) -> LimitedValues:
    fields = hit.get("fields", {})
    return frozenset((name, str(value)) for name in limits for value in fields.get(name, ()))


def _cosines(units: Floats, unit: Floats) -> Floats:
    cosines: Floats = np.einsum("ij,j->i", units, unit)
    return cosines
