"""Simulated logs of shoppers who look at the upper ranks more often."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from es_hybrid.evaluation.judging.clicks.counts import LoggedSearch, ShopperAction


@dataclass(frozen=True)
class Shop:
    """Products per query, and how likely each is clicked once it is looked at.

    Attributes:
        attraction: `[queries, products]` in (0, 1), the relevance to recover.
        examination: `[ranks]`, the probability that a rank is looked at.
        quality: How much the ranking knows of the relevance, in [0, 1].
    """

    attraction: NDArray[np.float64]
    examination: NDArray[np.float64]
    quality: float
    seed: int

    def log(self, searches: int) -> Iterator[LoggedSearch]:
        """Searches per query, each with its own ranking around one that stays the same."""
        random = np.random.default_rng(self.seed)
        queries, products = self.attraction.shape
        ranks = len(self.examination)
        for query in range(queries):
            known = self.quality * self.attraction[query] / self.attraction[query].std()
            habit = known + (1 - self.quality) * random.standard_normal(products)
            noise = 0.5 * random.standard_normal((searches, products))
            shown = np.argsort(-(habit + noise), axis=1)[:, :ranks]
            chance = self.attraction[query][shown] * self.examination
            clicked = random.random(chance.shape) < chance
            for row, marks in zip(shown, clicked, strict=True):
                actions: dict[str, ShopperAction] = {
                    str(row[rank]): "click" for rank in np.flatnonzero(marks)
                }
                pairs = [(str(product), rank + 1) for rank, product in enumerate(row)]
                yield LoggedSearch(f"query {query}", pairs, actions)


def make_shop(*, quality: float, seed: int = 3, queries: int = 60, products: int = 15) -> Shop:
    """A shop with ten ranks, of which the last is looked at a tenth as often as the first."""
    random = np.random.default_rng(seed)
    attraction = random.beta(1, 3, (queries, products)).clip(0.02, 0.98)
    return Shop(attraction, 1 / np.arange(1, 11), quality, seed)


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's correlation."""
    ranks = [np.argsort(np.argsort(values)) for values in (first, second)]
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
