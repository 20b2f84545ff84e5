"""Blocking by exact cosines and by keys, over products in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from es_hybrid.align.blocking import Candidate, Embedded
from es_hybrid.align.compare.facts import Facts, facts_of
from es_hybrid.retrieval.response import StageRank

__all__ = ["MemoryBlocker"]

# Left products per matrix product: 64 x 100,000 float32 take 26 MB.
_ROWS = 64
# A key that more products share identifies nothing.
_MOST_BY_KEY = 50


class MemoryBlocker:
    """Compares each product with all products of the other side.

    Args:
        rights: Products with vectors of the same embedder as the left ones.
        count: Candidates for each product and language.
        same_side: Whether these are also the left products.
        duplicates: With `same_side`, whether a product may occur twice in one language.
    """

    def __init__(
        self, rights: Sequence[Embedded], *, count: int, same_side: bool, duplicates: bool
    ) -> None:
        self._rights = rights
        self._count = count
        self._same_side = same_side
        self._duplicates = duplicates
        rows: defaultdict[str, list[int]] = defaultdict(list)
        self._by_key: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for row, right in enumerate(rights):
            rows[right.product.lang].append(row)
            for key in _keys(facts_of(right.product)):
                self._by_key[key].append(row)
        self._rows = {lang: np.array(found) for lang, found in rows.items()}
        self._vectors = {
            lang: np.stack([rights[row].vector for row in found]) for lang, found in rows.items()
        }

    def candidates(self, lefts: Sequence[Embedded]) -> list[list[Candidate]]:
        """See `Blocker`."""
        found: list[list[Candidate]] = []
        for start in range(0, len(lefts), _ROWS):
            found += self._of_block(lefts[start : start + _ROWS])
        return found

    def _of_block(self, lefts: Sequence[Embedded]) -> list[list[Candidate]]:
        asked = np.stack([left.vector for left in lefts])
        stages: list[dict[int, dict[str, StageRank]]] = [{} for _ in lefts]
        for lang, vectors in self._vectors.items():
            cosines = asked @ vectors.T
            for number, left in enumerate(lefts):
                nearest = self._nearest(left, lang, cosines[number])
                for rank, (row, cosine) in enumerate(nearest, 1):
                    stages[number][row] = {"knn": StageRank(rank, cosine)}
        for number, left in enumerate(lefts):
            for name, row in self._sharing_keys(left):
                stages[number].setdefault(row, {})[name] = StageRank(1, 1.0)
        return [
            [self._candidate(left, row, how) for row, how in found.items()]
            for left, found in zip(lefts, stages, strict=True)
        ]

    def _nearest(
        self, left: Embedded, lang: str, cosines: NDArray[np.float32]
    ) -> list[tuple[int, float]]:
        """(row, cosine) of the nearest products of a language, nearest first."""
        rows = self._rows[lang]
        wanted = min(self._count + 1, len(rows))  # one more, because the product finds itself
        best = np.argpartition(-cosines, wanted - 1)[:wanted]
        best = best[np.argsort(-cosines[best], kind="stable")]
        found = ((int(rows[at]), float(cosines[at])) for at in best)
        return [(row, cosine) for row, cosine in found if self._may_match(left, row)][: self._count]

    def _sharing_keys(self, left: Embedded) -> Iterator[tuple[str, int]]:
        for key in _keys(facts_of(left.product)):
            rows = self._by_key.get(key, [])
            if len(rows) <= _MOST_BY_KEY:
                yield from ((key[0], row) for row in rows if self._may_match(left, row))

    def _may_match(self, left: Embedded, row: int) -> bool:
        """A catalogue contains a product once per language, unless duplicates are allowed."""
        right = self._rights[row].product
        if not self._same_side:
            return True
        if right.id == left.product.id:
            return False
        return self._duplicates or right.lang != left.product.lang

    def _candidate(self, left: Embedded, row: int, stages: dict[str, StageRank]) -> Candidate:
        right = self._rights[row]
        return Candidate(right.product, float(left.vector @ right.vector), stages)


def _keys(facts: Facts) -> Iterator[tuple[str, str]]:
    """(stage, value) of every key that identifies the product."""
    yield from (("gtin", gtin) for gtin in facts.gtins)
    if facts.sku:
        yield "sku", facts.sku
    yield from (("model", model) for model in facts.models)
