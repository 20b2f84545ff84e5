"""How well alignment finds the same product in other languages.

    python -m benchmarks.align

On oracle-oe-multilingual (288 SKUs in six languages, look-alikes on purpose; the truth is
alignment.tsv, 148 of them) and adventureworks-multilingual (127 models in six languages, its
descriptions alone), with the embedded encoder. The shipped weights never saw oracle-oe;
adventureworks is scored with weights fitted on the sample catalogue alone. `left out` means that
four products in ten are dropped at random, so that many have no counterpart.

The rival is what one writes in an afternoon: cosine of the same vectors, mutual best, union of what
is above a threshold, at the threshold that is best in hindsight.
"""

from __future__ import annotations

import csv
import math
import re
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.catalogues import (
    DATA,
    Catalogue,
    adventureworks,
    embedded,
    found_in,
    oracle,
    sample,
    sample_of,
)
from es_hybrid.align.blocking import Embedded
from es_hybrid.align.compare.facts import Comparison
from es_hybrid.align.engine import Sides
from es_hybrid.align.evidence import Found, comparisons, features
from es_hybrid.align.fitting import fit_weights
from es_hybrid.align.groups import Member, Node, Tie, groups
from es_hybrid.align.scoring import Weights, first_scores, scores
from es_hybrid.align.verdict import verdict
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.reranking import BUNDLED, Reranker
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.settings.align import Thresholds

AGREE = 0.7
MERGES = (0.9, 0.7)
LEFT_OUT = 0.4
ASKED = 20


class Aligned:
    """A catalogue aligned with itself, to be measured."""

    def __init__(self, catalogue: Catalogue, products: Sequence[Embedded], weights: Weights):
        self.catalogue = catalogue
        start = time.perf_counter()
        self.pairs, self.sides = found_in(products, ASKED)
        self.blocked = time.perf_counter() - start
        compared = comparisons(self.pairs, self.sides.left, self.sides.right)
        evidence = features(
            self.pairs, self.sides.left, self.sides.right, compared, same_side=True
        )
        languages = [self.sides.languages(pair) for pair in self.pairs]
        first = first_scores(evidence, weights)
        self.scores = scores(self.pairs, first, languages, weights, same_side=True)
        self.compared = compared
        self.scored = time.perf_counter() - start - self.blocked

    def measured(
        self, known: Collection[str], merge: float, found: NDArray[np.float64] | None = None
    ) -> tuple[float, float, float]:
        """Precision, recall and F1 of the pairs inside groups, among `known` ids."""
        given = self.scores if found is None else found
        limits = Thresholds(merge=merge, review=min(AGREE, merge))
        decided = [
            verdict(*self._facts(pair), seen, score, limits, same_side=True)
            for pair, seen, score in zip(self.pairs, self.compared, given.tolist(), strict=True)
        ]
        nodes = [(Node("", pair.left_id), Node("", pair.right_id)) for pair in self.pairs]
        made = groups(
            {
                Node("", id_): Member(facts.product.lang, facts.gtins)
                for id_, facts in self.sides.left.items()
            },
            [
                Tie(*pair, each.score)
                for pair, each in zip(nodes, decided, strict=True)
                if each.decision == "merge"
            ],
            {pair: each.score for pair, each in zip(nodes, decided, strict=True)},
            agree=limits.review,
        )
        named = {node.id: number for number, group in enumerate(made) for node in group}
        return pair_measures(self.catalogue, named, known)

    def _facts(self, pair: Found):  # type: ignore[no-untyped-def]
        return self.sides.left[pair.left_id], self.sides.right[pair.right_id]

    def recall(self, known: Collection[str]) -> float:
        """Share of the true pairs among `known` that blocking found."""
        truth = self.catalogue.groups
        right = sum(
            truth[p.left_id] == truth[p.right_id] and p.left_id in known and p.right_id in known
            for p in self.pairs
        )
        return right / self.catalogue.pairs(known)

    def reranked(self, reranker: Reranker, text: Callable[[str], str]) -> NDArray[np.float64]:
        """Scores with the reranker's half, whatever its languages; and its pairs a second."""
        likely = np.flatnonzero(self.scores >= 0.05)
        by_left: defaultdict[str, list[int]] = defaultdict(list)
        for row in likely.tolist():
            by_left[self.pairs[row].left_id].append(row)
        found = self.scores.copy()
        start = time.perf_counter()
        for left_id, rows in by_left.items():
            given = reranker.score(text(left_id), [text(self.pairs[row].right_id) for row in rows])
            found[rows] = (1 - reranker.weight) * found[rows] + reranker.weight * given
        spent = time.perf_counter() - start
        print(f"  reranker: {len(likely):,} pairs, {len(likely) / spent:,.0f} a second")
        return found
