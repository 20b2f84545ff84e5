"""Measures of the stages, collected query by query. Memory grows by some numbers for each query."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from es_hybrid.evaluation.differences import FIRST, Loss, WorstLosses, shown_hits
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import MEASURES, NDCG, measure, recalls
from es_hybrid.evaluation.stages import (
    Stage,
    StageAnswers,
    StageHit,
    before_reranking,
    compared,
    run_of,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    # One number for each query, in their order.
    PerQuery = NDArray[np.float64]

# Queries whose hits are held at a time.
_BATCH = 50

Pair = tuple[Stage, Stage]


class ScoredHits(NamedTuple):
    """Scores of hits, [hits] float32, and their grades, [hits] int; -1 was not judged."""

    scores: NDArray[np.float32]
    grades: NDArray[np.intc]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageMeasures:
    """What the stages of a search reach on judged queries.

    Attributes:
        values: Stage -> measure -> a value for each query, in [0, 1].
        recall: Stage -> `Recall@k` -> a value for each query.
        unjudged: Stage -> number of hits among the first ten without a judgement, for each query.
        scores: Stage -> the first ten hits of all queries.
        at_depth: Rerank depth -> nDCG@10 of each query; empty if nothing was reranked.
        losses: Pair of stages -> queries whose nDCG@10 falls most from the first to the second.
        milliseconds: Stage, or part of the hybrid search -> time for each query.
        characters: Characters embedded, for all queries.
        pairs: Pairs that the searches reranked.
        more_pairs: Pairs scored in addition, for depths beyond `rerank.window`.
    """

    queries: Sequence[Query]
    stages: Sequence[Stage]
    values: Mapping[Stage, Mapping[str, PerQuery]]
    recall: Mapping[Stage, Mapping[str, PerQuery]]
    unjudged: Mapping[Stage, PerQuery]
    scores: Mapping[Stage, ScoredHits]
    at_depth: Mapping[int, PerQuery]
    losses: Mapping[Pair, Sequence[Loss]]
    milliseconds: Mapping[str, PerQuery]
    characters: int
    pairs: int
    more_pairs: int

    def compared(self) -> list[Pair]:
        """The pairs of stages that were both measured."""
        return compared(self.stages)


class Collector:
    """Collects the answers of the stages.

    Args:
        stages: The stages of every answer.
        size: Number of hits that each stage was asked for.
        losses: Number of queries to keep with their hits, for each pair of stages.
    """

    def __init__(
        self, qrels: Qrels, stages: Sequence[Stage], *, size: int, losses: int = 5
    ) -> None:
        self._qrels = qrels
        self._stages = stages
        self._recalls = recalls(size)
        self._batch: list[tuple[Query, StageAnswers]] = []
        self._queries: list[Query] = []
        self._values: dict[tuple[Stage, str], list[float]] = defaultdict(list)
        self._unjudged: dict[Stage, list[float]] = defaultdict(list)
        self._scores = {stage: (array("f"), array("i")) for stage in stages}
        self._at_depth: dict[int, dict[str, float]] = defaultdict(dict)
        self._worst = {pair: WorstLosses(losses) for pair in compared(stages)}
        self._milliseconds: dict[str, list[float]] = defaultdict(list)
        self._characters = self._pairs = self._more_pairs = 0

    def add(self, query: Query, answers: StageAnswers) -> None:
        """Collect the answers to one query, which has a relevant document."""
        self._queries.append(query)
        self._batch.append((query, answers))
        self._characters += answers.characters
        self._pairs += answers.pairs
        self._more_pairs += answers.more_pairs
        for name, spent in _milliseconds(answers, self._stages):
            self._milliseconds[name].append(spent)
        for stage in self._stages:
            self._add_hits(query, stage, answers.rankings[stage][:FIRST])
        if len(self._batch) == _BATCH:
            self._measure()

    def result(self) -> StageMeasures:
        """The measures of all queries so far."""
        self._measure()
        return StageMeasures(
            queries=self._queries,
            stages=self._stages,
            values=self._arrays(MEASURES),
            recall=self._arrays(self._recalls),
            unjudged={stage: np.array(self._unjudged[stage]) for stage in self._stages},
            scores={
                stage: ScoredHits(np.array(scores), np.array(grades))
                for stage, (scores, grades) in self._scores.items()
            },
            at_depth=self._depths(),
            losses={pair: worst.worst_first() for pair, worst in self._worst.items()},
            milliseconds={name: np.array(spent) for name, spent in self._milliseconds.items()},
            characters=self._characters,
            pairs=self._pairs,
            more_pairs=self._more_pairs,
        )

    def _arrays(self, names: Iterable[str]) -> dict[Stage, dict[str, PerQuery]]:
        return {
            stage: {name: np.array(self._values[stage, name]) for name in names}
            for stage in self._stages
        }

    def _add_hits(self, query: Query, stage: Stage, first: Sequence[StageHit]) -> None:
        grades = self._qrels[query.id]
        all_scores, all_grades = self._scores[stage]
        all_scores.extend(hit.score for hit in first)
        all_grades.extend(max(0, grades[hit.id]) if hit.id in grades else -1 for hit in first)
        self._unjudged[stage].append(sum(hit.id not in grades for hit in first))

    def _measure(self) -> None:
        for stage in self._stages:
            run = {
                query.id: run_of(hit.id for hit in given.rankings[stage])
                for query, given in self._batch
            }
            for name, values in measure(run, self._qrels, MEASURES | self._recalls).items():
                self._values[stage, name] += [values[query.id] for query, _ in self._batch]
        self._measure_depths()
        for place, (query, answers) in enumerate(self._batch, -len(self._batch)):
            self._add_losses(query, answers, place)
        self._batch.clear()

    def _measure_depths(self) -> None:
        for depth in {depth for _, answers in self._batch for depth in answers.reranked_at}:
            run = {
                query.id: run_of(answers.reranked_at[depth][:FIRST])
                for query, answers in self._batch
                if depth in answers.reranked_at
            }
            self._at_depth[depth] |= measure(run, self._qrels, NDCG)["nDCG@10"]

    def _depths(self) -> dict[int, PerQuery]:
        """A query that was not reranked has the order before reranking at every depth."""
        if not self._at_depth:
            return {}
        fused = self._values[before_reranking(self._stages), "nDCG@10"]
        return {
            depth: np.array(
                [
                    values.get(query.id, before)
                    for query, before in zip(self._queries, fused, strict=True)
                ]
            )
            for depth, values in sorted(self._at_depth.items())
        }

    def _add_losses(self, query: Query, answers: StageAnswers, place: int) -> None:
        for (first, second), worst in self._worst.items():
            before, after = (self._values[each, "nDCG@10"][place] for each in (first, second))
            if worst.admits(after - before):
                shown = [
                    shown_hits(answers.rankings[each], self._qrels[query.id])
                    for each in (first, second)
                ]
                worst.add(Loss(query, before, after, *shown))


def _milliseconds(answers: StageAnswers, stages: Sequence[Stage]) -> Iterable[tuple[str, float]]:
    """The time of each stage that was a search, and of the parts of the hybrid search."""
    for mode in ("bm25", "knn"):
        if mode in answers.timings:
            yield mode, answers.timings[mode]["total"]
    if hybrid := answers.timings.get("hybrid"):
        reranking = hybrid.get("rerank", 0.0)
        if "hybrid" in stages:
            yield "hybrid", hybrid["total"] - reranking
        if "reranked" in stages:
            yield "reranked", hybrid["total"]
        for part in ("embed", "understand", "elasticsearch", "rerank"):
            yield f"part: {part}", hybrid.get(part, 0.0)
