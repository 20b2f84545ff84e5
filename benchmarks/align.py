"""How well alignment finds the same product in other languages.

    python -m benchmarks.align

Catalogues: oracle-oe-multilingual (288 SKUs in six languages, many look-alikes; the 148 SKUs of
alignment.tsv are the truth) and adventureworks-multilingual (127 models in six languages,
descriptions only), with the embedded encoder. The bundled weights were not fitted on oracle-oe;
adventureworks is scored with weights fitted on the sample catalogue only. In the `left out` runs
40 % of the products are dropped at random, so many products have no counterpart.

The rival is a simple baseline: cosine of the same vectors, mutual best matches, connected
components above a threshold, at the threshold that gives the best F1 in hindsight.
"""

from __future__ import annotations

import csv
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.command import parse_arguments
from benchmarks.groups_of_five import of_five
from es_hybrid.align.blocking import Embedded
from es_hybrid.align.compare.facts import Facts
from es_hybrid.align.evidence import FoundPair, comparisons, features
from es_hybrid.align.fitting import fit_weights
from es_hybrid.align.groups import GroupMember, MemberLimits, Tie, groups
from es_hybrid.align.scoring import Weights, first_scores, scores
from es_hybrid.align.verdict import verdict
from es_hybrid.embedding import Embedder
from es_hybrid.embedding.local import LocalEmbedder
from es_hybrid.reranking import BUNDLED, Reranker
from es_hybrid.reranking.onnx import OnnxReranker
from es_hybrid.settings import EmbeddingSettings
from es_hybrid.settings.align import Thresholds
from training.data import DATA, ORACLE, required
from training.multilingual import (
    Catalogue,
    adventureworks,
    embedded,
    found_in,
    oracle,
    sample,
    sample_of,
)

AGREE = 0.7
MERGES = (0.9, 0.7)
LEFT_OUT = 0.4
NEIGHBOURS = 20
SMOKE_PRODUCTS = 60


class Aligned:
    """A catalogue aligned with itself."""

    def __init__(self, catalogue: Catalogue, products: Sequence[Embedded], weights: Weights):
        self.catalogue = catalogue
        start = time.perf_counter()
        self.pairs, self.sides = found_in(products, NEIGHBOURS)
        self.blocked = time.perf_counter() - start
        compared = comparisons(self.pairs, self.sides.left, self.sides.right)
        evidence = features(self.pairs, self.sides.left, self.sides.right, compared, same_side=True)
        languages = [self.sides.languages(pair) for pair in self.pairs]
        first = first_scores(evidence, weights)
        self.scores = scores(self.pairs, first, languages, weights, same_side=True)
        self.compared = compared
        self.scored = time.perf_counter() - start - self.blocked

    def measured(
        self, known: Collection[str], merge: float, found: NDArray[np.float64] | None = None
    ) -> tuple[float, float, float]:
        """Precision, recall and F1 of the pairs inside groups, among the `known` ids."""
        return pair_measures(self.catalogue, self.grouped(merge, found), known)

    def grouped(self, merge: float, found: NDArray[np.float64] | None = None) -> dict[str, int]:
        """Id -> number of its group."""
        given = self.scores if found is None else found
        limits = Thresholds(merge=merge, review=min(AGREE, merge))
        decided = [
            verdict(*self._facts(pair), seen, score, limits, same_side=True)
            for pair, seen, score in zip(self.pairs, self.compared, given.tolist(), strict=True)
        ]
        nodes = [
            (GroupMember("", pair.left_id), GroupMember("", pair.right_id)) for pair in self.pairs
        ]
        made = groups(
            {
                GroupMember("", id_): MemberLimits(frozenset([facts.product.lang]), facts.gtins)
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
        return {node.id: number for number, group in enumerate(made) for node in group}

    def _facts(self, pair: FoundPair) -> tuple[Facts, Facts]:
        return self.sides.left[pair.left_id], self.sides.right[pair.right_id]

    def recall(self, known: Collection[str]) -> float:
        """Share of the true pairs among the `known` ids that blocking found."""
        truth = self.catalogue.groups
        right = sum(
            truth[p.left_id] == truth[p.right_id] and p.left_id in known and p.right_id in known
            for p in self.pairs
        )
        return right / self.catalogue.pairs(known)

    def reranked(self, reranker: Reranker, text: Callable[[str], str]) -> NDArray[np.float64]:
        """Scores blended with the reranker's for all languages; prints its pairs per second."""
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
        print(f"  reranker: {len(likely):,} pairs, {len(likely) / spent:,.0f} per second")
        return found


def pair_measures(
    catalogue: Catalogue, named: Mapping[str, int], known: Collection[str]
) -> tuple[float, float, float]:
    """Precision, recall and F1 of the pairs that share a group, among the `known` ids."""

    def pairs(sizes: Counter[object]) -> int:
        return sum(size * (size - 1) // 2 for size in sizes.values())

    both = pairs(Counter((named[i], catalogue.groups[i]) for i in known if i in named))
    made = pairs(Counter(named[id_] for id_ in known if id_ in named))
    true = catalogue.pairs(known)
    return both / made if made else 1.0, both / true, 2 * both / (made + true)


def textbook(aligned: Aligned, known: Collection[str]) -> tuple[float, float, float]:
    """Best result of the baseline over all thresholds, by F1."""
    best: defaultdict[tuple[str, str], tuple[float, str]] = defaultdict(lambda: (-1.0, ""))
    facts = aligned.sides.left
    for pair in aligned.pairs:
        for one, other in (pair.ids, pair.ids[::-1]):
            key = one, facts[other].product.lang
            best[key] = max(best[key], (pair.cosine, other))
    mutual = [
        pair
        for pair in aligned.pairs
        if best[pair.left_id, facts[pair.right_id].product.lang][1] == pair.right_id
        and best[pair.right_id, facts[pair.left_id].product.lang][1] == pair.left_id
    ]
    found = []
    for threshold in np.arange(0.3, 0.95, 0.05):
        parent = {id_: id_ for id_ in facts}

        def root(id_: str, parent: dict[str, str] = parent) -> str:
            while parent[id_] != id_:
                id_ = parent[id_]
            return id_

        for pair in mutual:
            if pair.cosine >= threshold:
                parent[root(pair.left_id)] = root(pair.right_id)
        numbers = {id_: number for number, id_ in enumerate(facts)}
        named = {id_: numbers[root(id_)] for id_ in facts}
        found.append(pair_measures(aligned.catalogue, named, known))
    return max(found, key=lambda measures: measures[2])


def measure(
    catalogue: Catalogue,
    products: Sequence[Embedded],
    weights: Weights,
    known: Collection[str],
    reranker: Reranker | None,
) -> float:
    """Print the results of one catalogue; returns F1 at 0.9 divided by the rival's."""
    kept = {each.product.id for each in products}
    known = [id_ for id_ in known if id_ in kept]
    aligned = Aligned(catalogue, products, weights)
    count = len(aligned.pairs)
    print(
        f"  {len(products):,} products; recall@{NEIGHBOURS} of blocking "
        f"{aligned.recall(known):.3f}; "
        f"{count:,} pairs, {count / aligned.blocked:,.0f} found per second, "
        f"{count / aligned.scored:,.0f} scored per second"
    )
    rows = {"cosine, mutual best, best threshold": textbook(aligned, known)}
    for merge in MERGES:
        rows[f"align, merge {merge}"] = aligned.measured(known, merge)
    if reranker is not None:
        texts = {each.product.id: each.product for each in products}
        both = aligned.reranked(
            reranker, lambda id_: f"{texts[id_].title}. {texts[id_].description}"
        )
        for merge in MERGES:
            rows[f"with the bundled reranker forced, merge {merge}"] = aligned.measured(
                known, merge, both
            )
    for name, (precision, recall, f1) in rows.items():
        print(f"  {name:<48}P {precision:.3f}  R {recall:.3f}  F1 {f1:.3f}")
    return rows["align, merge 0.9"][2] / rows["cosine, mutual best, best threshold"][2]


def main() -> None:
    """Measure the catalogues, complete and with products left out, and the groups of five."""
    options = parse_arguments(__doc__)
    if not options.smoke:
        required(DATA)
    embedder = LocalEmbedder(EmbeddingSettings())
    reranker = OnnxReranker(BUNDLED)
    chance = np.random.default_rng(7)
    ratios = {}
    for catalogue, weights in (
        [(_first_products(sample()), Weights.read(None))]
        if options.smoke
        else [(oracle(), Weights.read(None)), (adventureworks(), _fitted_on_sample(embedder))]
    ):
        products = embedded(catalogue.products, embedder)
        known = _known(catalogue)
        for name, share in (("whole", 0.0), ("left out", LEFT_OUT)):
            print(f"\n{catalogue.name}, {name}")
            chosen = [each for each in products if chance.random() >= share]
            forced = reranker if name == "whole" else None
            ratio = measure(catalogue, chosen, weights, known, forced)
            ratios[f"align_f1_{catalogue.name}_{name}".replace(" ", "_").replace("-", "_")] = ratio
        if catalogue.name != "adventureworks":
            print("\ngroups of five: a Chinese query, the right product and four look-alikes")
            of_five(catalogue, products, reranker)
    print()
    for title, ratio in ratios.items():
        options.print_ratio(title, ratio)


def _first_products(catalogue: Catalogue) -> Catalogue:
    """The part of a catalogue that a smoke run aligns."""
    products = catalogue.products[:SMOKE_PRODUCTS]
    groups = {product.id: catalogue.groups[product.id] for product in products}
    return replace(catalogue, products=products, groups=groups)


def _fitted_on_sample(embedder: Embedder) -> Weights:
    """Weights fitted without adventureworks."""
    catalogue = sample()
    products = embedded(catalogue.products, embedder)
    chance = np.random.default_rng(1)
    samples = [
        sample_of(catalogue, [each for each in products if chance.random() >= share])
        for share in (0.0, LEFT_OUT, LEFT_OUT)
    ]
    return fit_weights(samples, encoder="", fitted_on=catalogue.name)


def _known(catalogue: Catalogue) -> list[str]:
    """Ids with a known truth; for oracle-oe those in alignment.tsv."""
    if catalogue.name != "oracle-oe":
        return list(catalogue.groups)
    with (ORACLE / "alignment.tsv").open(encoding="utf-8") as file:
        ids = {id_ for row in list(csv.reader(file, delimiter="\t"))[1:] for id_ in row[1:]}
    return [id_ for id_ in catalogue.groups if id_ in ids]


if __name__ == "__main__":
    main()
