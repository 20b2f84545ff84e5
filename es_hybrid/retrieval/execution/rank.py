"""From the hits of the leaves to one ranking, bottom-up through the retriever tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from itertools import chain, takewhile
from typing import Any

import numpy as np

from es_hybrid.errors import RerankError, RerankSkipped
from es_hybrid.retrieval.execution.diversify import diversified, vectors_of
from es_hybrid.retrieval.execution.fuse import (
    MAX_ORGANIC_SCORE,
    Ranked,
    Ranking,
    best_first,
    by_reranker,
    interpolated,
    linear,
    pinned_score,
    rrf,
    scaled,
)
from es_hybrid.retrieval.execution.groups import Grouping
from es_hybrid.retrieval.execution.random_rerank import shuffled
from es_hybrid.retrieval.execution.report import Report, Share
from es_hybrid.retrieval.execution.requests import LeafResult, by_owner, hits_of, matches_of
from es_hybrid.retrieval.execution.reranked_texts import best_scores, texts_to_rerank
from es_hybrid.retrieval.execution.signals import moved
from es_hybrid.retrieval.execution.spread import spread
from es_hybrid.retrieval.execution.stored_vectors import ReadVectors
from es_hybrid.retrieval.needs import Need, ScoreDocuments, Scores
from es_hybrid.retrieval.nodes import (
    Diversify,
    Groups,
    Linear,
    Node,
    Pinned,
    RandomRerank,
    Reordering,
    Rerank,
    Rescorer,
    Rrf,
    Signals,
    Spread,
)
from es_hybrid.retrieval.plan import Key, Plan

Complete = Callable[[Ranking], Generator[Need, Any, None]]
Rescore = Callable[[Rescorer, Ranking], Generator[Need, Any, Ranking]]


class Ranker:
    """Ranks the tree of a plan from the results of its leaves.

    Args:
        root: The plan's tree as it was split.
        read_vectors: Reads stored vectors.
        complete: Reads the documents of hits whose leaves returned none.
        rescore: Lets Elasticsearch rescore a ranking made here.
        grouping: The groups, if the page shows one hit of each.
    """

    def __init__(
        self,
        plan: Plan,
        root: Node,
        found: Sequence[LeafResult],
        *,
        read_vectors: ReadVectors,
        complete: Complete | None = None,
        rescore: Rescore | None = None,
        grouping: Grouping | None = None,
    ) -> None:
        self.report = Report()
        self._plan = plan
        self._root = root
        self._base = base_of(root)
        self._leaves = found
        self._found = by_owner(found)
        self._read_vectors = read_vectors
        self._complete = complete
        self._rescore = rescore
        self._grouping = grouping
        # What follows the window.
        self._rest: Ranking = []
        # Key -> place of the first name in `plan.first` that it matches.
        self._first: dict[Key, int] = {}
        for place, name in enumerate(plan.first):
            for key in matches_of(found, name):
                self._first.setdefault(key, place)

    def ranking(self) -> Generator[Need, Any, Ranking]:
        """The whole tree's ranking, best first."""
        ranking = yield from self._ranking(self._root)
        return _at_least(self._plan.min_score, ranking)

    def _ranking(self, node: Node) -> Generator[Need, Any, Ranking]:
        ranking = yield from self._ranked(node)
        if node is self._base:
            ranking = self._without_rest(self._candidates(ranking))
        # A reranker ranks only what it scored; `_reranked` records that.
        if not isinstance(node, Rerank):
            rest = self._rest if node is self._base else []
            self.report.ranked(node, ranking + rest if rest else ranking)
        return ranking

    def _ranked(self, node: Node) -> Generator[Need, Any, Ranking]:
        found = self._found.get(id(node))
        if found is not None and found.leaf.search is node:
            return found.ranking
        match node:
            case Rrf() | Linear():
                return (yield from self._fused(node))
            case Rerank():
                child = yield from self._ranking(node.child)
                # A query that is a SKU or GTIN is unambiguous: there is nothing to rerank.
                return child if self._first else (yield from self._reranked(node, child))
            case Signals():
                child = yield from self._ranking(node.child)
                return self._moved(node, child)
            case Pinned():
                child = yield from self._ranking(node.child)
                return self._pinned(node, child)
            case Rescorer():
                child = yield from self._ranking(node.child)
                assert self._rescore is not None
                return (yield from self._rescore(node, child[: node.rank_window_size]))
            case Diversify():
                child = yield from self._ranking(node.child)
                return self._diversified(node, child[: node.rank_window_size])
            case RandomRerank():
                child = yield from self._ranking(node.child)
                return _at_least(
                    node.min_score, shuffled(child[: node.rank_window_size], node.seed)
                )
            case Spread():
                child = yield from self._ranking(node.child)
                fixed = sum(1 for _ in takewhile(self._is_fixed, child))
                return (yield from spread(node, child, fixed, self._leaves, self._read_vectors))
            case Groups():
                child = yield from self._ranking(node.child)
                return (yield from self._grouped(child))
            case _:
                raise AssertionError(f"the leaf {node.stage} was not sent")

    def _is_fixed(self, hit: Ranked) -> bool:
        """Whether a hit is pinned, or matches an exact identifier."""
        return hit.score > MAX_ORGANIC_SCORE or hit.key in self._first

    def _fused(self, node: Rrf | Linear) -> Generator[Need, Any, Ranking]:
        rankings = []
        for child in node.children:
            ranking = yield from self._ranking(child.node)
            rankings.append(ranking[: node.rank_window_size])
        weights = [child.weight for child in node.children]
        if isinstance(node, Rrf):
            fused = rrf(rankings, weights, rank_constant=node.rank_constant)
        else:
            fused = linear(rankings, weights, [child.normalizer for child in node.children])
        return _at_least(node.min_score, fused[: node.rank_window_size])

    def _candidates(self, ranking: Ranking) -> Ranking:
        """The fused hits above the cutoff; matches of an exact identifier come first."""
        if self._plan.cutoff and ranking:
            least = self._plan.cutoff * max(hit.score for hit in ranking)
            ranking = [hit for hit in ranking if hit.score >= least or hit.key in self._first]
        if self._first:
            last = len(self._plan.first)
            ranking = sorted(ranking, key=lambda hit: self._first.get(hit.key, last))
        return ranking

    def _moved(self, node: Signals, child: Ranking) -> Ranking:
        """The window in the order of the signals; matches of an exact identifier stay first."""
        top, rest = child[: node.rank_window_size], child[node.rank_window_size :]
        ranking, shares = moved(node, top, self._leaves, self._first, explain=self._plan.explain)
        self.report.shares[id(node)] = shares
        return ranking + rest

    def _without_rest(self, ranking: Ranking) -> Ranking:
        """The window, whose hits may change places; what is behind it follows on later pages."""
        if self._grouping is None or not self._grouping.behind:
            return ranking
        behind = self._grouping.behind
        rest = [hit for hit in ranking if hit.key in behind]
        self._rest = sorted(rest, key=lambda hit: behind[hit.key])
        return [hit for hit in ranking if hit.key not in behind]

    def _grouped(self, child: Ranking) -> Generator[Need, Any, Ranking]:
        assert self._grouping is not None
        above = {hit.key for hit in child}  # pinned ones may be there twice
        documents = child + [hit for hit in self._rest if hit.key not in above]
        self._grouping.ranked = documents
        if self._plan.sort is not None:
            documents = yield from self._grouping.order(documents)
        return self._grouping.best(documents)

    def _reranked(self, node: Rerank, child: Ranking) -> Generator[Need, Any, Ranking]:
        """The window in the reranker's order; hits not scored in time follow."""
        top = self._window(node, child)
        unscored = child if node.keep_rest else top
        if not self._shows(node):
            return unscored
        if self._complete is not None:
            yield from self._complete(top)
        if self._grouping is None:
            hits = hits_of(self._leaves, {hit.key for hit in top})
        else:
            hits = yield from self._grouping.read(top)
        parts = [texts_to_rerank(node, hits[hit.key][0]) for hit in top]
        documents = list(chain.from_iterable(parts))
        try:
            scores: Scores = yield ScoreDocuments(
                node.text,
                [document.text for document in documents],
                node.instruction,
                langs=[document.lang for document in documents],
                raw=not node.interpolated,
            )
            if node.chunks is not None:
                scores = replace(scores, values=best_scores(scores.values, list(map(len, parts))))
        except RerankSkipped as skipped:
            self.report.notes.append(f"rerank: {skipped.message}")
            return unscored
        except RerankError as error:
            if not (self._plan.degrade or node.allow_failures):
                raise
            self.report.degraded.append(f"rerank: {error.message}")
            return unscored
        values: list[float] = np.asarray(scores.values, dtype=np.float32).tolist()
        pairs = list(zip(top, values, strict=True))
        scored = [hit._replace(score=score) for hit, score in pairs if not math.isnan(score)]
        late = [hit for hit, score in pairs if math.isnan(score)]
        if node.interpolated:
            if self._plan.explain:
                self.report.shares[id(node)] = _mixed_shares(scored, top, scores.weight)
            scored = interpolated(scored, top, weight=scores.weight)
        else:
            scored = by_reranker(_at_least(node.min_score, scored))
        self.report.ranked(node, scored)
        self.report.reranked += len(scored)
        if late:
            self.report.degraded.append(
                f"rerank: {len(late)} of {len(top)} were not scored in time"
            )
        keys = {hit.key for hit in top}
        return scored + late + [hit for hit in unscored if hit.key not in keys]

    def _window(self, node: Rerank, child: Ranking) -> Ranking:
        """The hits to score: variants of a few products must not fill a shop's window."""
        if self._grouping is not None and node.keep_rest:
            return self._grouping.of_most(child, node.rank_window_size)
        return child[: node.rank_window_size]

    def _shows(self, node: Rerank) -> bool:
        """Whether the page depends on the order within the reranker's window.

        A page of facets alone does not, nor one that starts behind the window.
        """
        top, pins = self._root, 0
        while isinstance(top, Groups | Pinned):
            pins += len(top.documents) if isinstance(top, Pinned) else 0
            top = top.child
        least = self._plan.min_score if node.min_score is None else node.min_score
        if node is not top or least is not None:
            return True
        return self._plan.size > 0 and self._plan.from_ < node.rank_window_size + pins

    def _diversified(self, node: Diversify, window: Ranking) -> Ranking:
        found = hits_of(self._leaves, {hit.key for hit in window})
        hits = {key: hit for key, (hit, _) in found.items()}
        return _at_least(node.min_score, diversified(node, window, vectors_of(hits, node.field)))

    def _pinned(self, node: Pinned, child: Ranking) -> Ranking:
        order = {document: place for place, document in enumerate(node.documents)}
        count = len(order)

        def place(hit: Ranked) -> int:
            index, id_ = hit.key
            return min(order.get((index, id_), count), order.get((None, id_), count))

        found = self._found[id(node)].ranking if node.documents else []
        pinned = sorted(found, key=lambda hit: (place(hit), hit.place))
        first = [hit._replace(score=pinned_score(count - place(hit))) for hit in pinned]
        keys = {hit.key for hit in first}
        rest = [hit for hit in child if hit.key not in keys]
        if rest and rest[0].score > MAX_ORGANIC_SCORE:
            # What another pinned retriever pinned is organic here, and all of it scores the same.
            rest = best_first(hit._replace(score=min(hit.score, MAX_ORGANIC_SCORE)) for hit in rest)
        return (first + rest)[: node.rank_window_size]


def _mixed_shares(reranked: Ranking, first_stage: Ranking, weight: float) -> dict[Key, list[Share]]:
    """The shares of first stage and reranker in a score of `interpolated`."""
    before = scaled(first_stage)
    stage = f"first stage: weight {1 - weight:g} * score scaled to [0, 1]"
    return {
        hit.key: [
            Share((1 - weight) * before[hit.key], stage),
            Share(weight * hit.score, f"reranker: weight {weight:g} * score"),
        ]
        for hit in reranked
    }


def base_of(node: Node) -> Node:
    """The retriever whose scores the cutoff applies to: below reranking and pinning."""
    while isinstance(node, Reordering):
        node = node.child
    return node


def _at_least(min_score: float | None, ranking: Ranking) -> Ranking:
    if min_score is None:
        return ranking
    # Scores are float32; the bound must be rounded in the same way.
    least = float(np.float32(min_score))
    return [hit for hit in ranking if hit.score >= least]
