"""What signals earn, and what they cost: expected revenue against nDCG over their weight.

Expected revenue@10 is the sum over the first ten hits of discount * chance * value. The discount is
that of nDCG, 1 / log2(rank + 1). The chance that the product is wanted is its grade divided by the
highest grade of the judgements; without a judgement it is 0, as for nDCG. With products of equal
value, lists therefore have the order of their DCG@10: what differs comes from the values alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from elasticsearch import Elasticsearch

from es_hybrid.embedding import Embedder
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.differences import FIRST, Difference, difference
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import MEASURES, measure_lists
from es_hybrid.evaluation.tuning.live import LiveCheck
from es_hybrid.evaluation.tuning.offline import Ids, OfflineSearch
from es_hybrid.evaluation.tuning.space import SettingsChange, applied
from es_hybrid.evaluation.tuning.split import Group, grouped, split
from es_hybrid.reranking import Reranker
from es_hybrid.settings import Settings
from es_hybrid.settings.search import SearchSettings

REVENUE, NDCG_10 = "revenue@10", "nDCG@10"
_RELEVANCE = {name: MEASURES[name] for name in (NDCG_10, "nDCG@10 judged only", "Judged@10")}
_REVENUES = (REVENUE, "revenue@10 judged only")
COLUMNS = (*_REVENUES, *_RELEVANCE)

_NUMBERS = {
    "byte", "short", "integer", "long", "unsigned_long", "half_float", "float", "double",
    "scaled_float",
}  # fmt: skip
# Queries whose order is compared with that of the live search.
_CHECKED = 4


@dataclass(frozen=True, slots=True)
class TradeOffOptions:
    """What to measure.

    Attributes:
        field: Number field of a product: what the shop earns by it, in any unit.
        weights: Factors of the weights of the signals, ascending from 0.
        signal: Name of the only signal to scale; None scales all.
        max_loss: nDCG@10 that the chosen weight may lose against weight 0.
    """

    field: str
    weights: Sequence[float]
    signal: str | None = None
    max_loss: float = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightFigures:
    """What a weight reaches.

    Attributes:
        changes: Column -> its change from weight 0 to this one.
        dominated: Another weight has at least the same revenue@10 and nDCG@10, and more of one.
    """

    weight: float
    changes: Mapping[str, Difference]
    dominated: bool

    def mean(self, column: str) -> float:
        """The mean over the queries."""
        return self.changes[column].means[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class TradeOff:
    """What each weight reaches on two halves of the queries.

    Attributes:
        chosen: The weight with the most revenue on `chosen_on` that loses at most `max_loss`.
        queries: Number of queries in the two halves.
        dominated: Weights that are dominated in both halves.
        without_value: Hits judged relevant without a number in the field; they earn nothing.
    """

    chosen: float
    chosen_on: Sequence[WeightFigures]
    held_out: Sequence[WeightFigures]
    queries: tuple[int, int]
    dominated: Sequence[float]
    without_value: int


def trade_off(
    client: Elasticsearch,
    *,
    settings: Settings,
    embedder: Embedder,
    reranker: Reranker | None,
    queries: Sequence[Query],
    qrels: Qrels,
    options: TradeOffOptions,
    done: Callable[[], None] = lambda: None,
) -> TradeOff:
    """Measure every weight, from one search for each query. The caller closes the parts.

    Args:
        queries: Each has a relevant product in `qrels`.
        done: Called after each query.

    Raises:
        EvaluationError: the field is no number, no such signal is set, there are too few queries,
            a search was degraded, or the offline order is not that of the live search.
        EsHybridError: as in `HybridSearch.search`.
    """
    _check_number(client, settings.index.name, options.field)
    changes = [scaled(settings.search, weight, options.signal) for weight in options.weights]
    halves = split(grouped(queries, qrels), held_out=0.5, seed=1)
    offline = OfflineSearch(client, settings=settings, embedder=embedder, reranker=reranker)
    live = LiveCheck(
        client=client, settings=settings, embedder=embedder, reranker=reranker, offline=offline
    )
    live.compare([changes[0], changes[-1]], queries[:_CHECKED])
    tried = [applied(settings, change) for change in changes]
    highest = max(grade for grades in qrels.values() for grade in grades.values())
    without: set[str] = set()

    def measured(query: Query) -> Mapping[str, Sequence[float]]:
        lists = offline.first_hits(query.text, tried, size=max(FIRST, settings.search.window))
        if settings.search.limit_per:  # limits apply to each page
            pages = offline.first_hits(query.text, tried)
            lists = [(*page, *(each for each in ids if each not in page))
                     for page, ids in zip(pages, lists, strict=True)]  # fmt: skip
        grades = qrels[query.id]
        relevant = {id_ for ids in lists for id_ in ids if grades.get(id_, 0) > 0}
        values = _values(client, settings.index.name, options.field, relevant)
        without.update(relevant - values.keys())
        earning = {id_: grades[id_] / highest * value for id_, value in values.items()}
        done()
        return _measures(lists, grades, earning)

    both = [_figures(half, measured, options.weights) for half in (halves.tuned, halves.held_out)]
    return TradeOff(
        chosen=choose(both[0], options.max_loss),
        chosen_on=both[0],
        held_out=both[1],
        queries=(sum(map(len, halves.tuned)), sum(map(len, halves.held_out))),
        dominated=[
            one.weight
            for one, other in zip(*both, strict=True)
            if one.dominated and other.dominated
        ],
        without_value=len(without),
    )


def scaled(search: SearchSettings, weight: float, name: str | None) -> SettingsChange:
    """The signals with their weights, or that of one of them, times a factor; 0 leaves them out.

    Raises:
        EvaluationError: no such signal is set.
    """
    names = [signal.label for signal in search.signals]
    if not names or (name is not None and name not in names):
        raise EvaluationError(
            f"no signal {name!r} is set" if names else "no signals are set",
            place="search.signals",
            remedy=f"choose one of {', '.join(names)}" if names else "add [[search.signals]]",
        )
    signals = tuple(
        signal.model_copy(update={"weight": signal.weight * factor})
        for signal in search.signals
        # A signal of no weight still orders products that the leaves cannot tell apart.
        if (factor := weight if name in (None, signal.label) else 1)
    )
    return {"search.signals": signals}


def expected_revenue(ids: Sequence[str], earning: Mapping[str, float]) -> float:
    """Expected revenue@10 of a list.

    Args:
        earning: Id -> chance that the product is wanted * its value; 0 if it is absent.
    """
    return sum(
        earning.get(id_, 0.0) / math.log2(rank + 1) for rank, id_ in enumerate(ids[:FIRST], 1)
    )


def dominated(points: Sequence[tuple[float, float]]) -> list[bool]:
    """Whether another point is at least as good in both values, and better in one."""
    return [any(x >= a and y >= b and (x, y) != (a, b) for x, y in points) for a, b in points]


def choose(figures: Sequence[WeightFigures], max_loss: float) -> float:
    """The weight with the most revenue that loses at most so much of nDCG@10 against weight 0.

    Of weights with equal revenue it is the first, the smallest.
    """
    allowed = [each for each in figures if each.changes[NDCG_10].mean >= -max_loss]
    return max(allowed, key=lambda each: each.mean(REVENUE)).weight


def _measures(
    lists: Sequence[Ids], grades: Mapping[str, int], earning: Mapping[str, float]
) -> Mapping[str, Sequence[float]]:
    """Column -> its value for each list of one query."""
    judged = [[id_ for id_ in ids if id_ in grades] for ids in lists]
    revenues = [[expected_revenue(ids, earning) for ids in each] for each in (lists, judged)]
    return dict(zip(_REVENUES, revenues, strict=True)) | measure_lists(lists, grades, _RELEVANCE)


def _figures(
    groups: Sequence[Group],
    measured: Callable[[Query], Mapping[str, Sequence[float]]],
    weights: Sequence[float],
) -> list[WeightFigures]:
    """The figures of each weight; queries with the same relevant products count as one."""
    found = [[measured(query) for query in group] for group in groups]
    values = {
        column: np.array([np.mean([each[column] for each in group], axis=0) for group in found])
        for column in COLUMNS
    }
    changes = [
        {column: difference(each[:, 0], each[:, place]) for column, each in values.items()}
        for place in range(len(weights))
    ]
    points = [(each[REVENUE].means[1], each[NDCG_10].means[1]) for each in changes]
    rows = zip(weights, changes, dominated(points), strict=True)
    return [
        WeightFigures(weight=weight, changes=change, dominated=beaten)
        for weight, change, beaten in rows
    ]


def _values(client: Elasticsearch, index: str, field: str, ids: set[str]) -> dict[str, float]:
    """Id -> value of a number field; of several values, the lowest."""
    found = client.search(
        index=index,
        query={"ids": {"values": sorted(ids)}},
        fields=[{"field": field}],
        source=False,
        size=len(ids),
        allow_partial_search_results=False,
    )
    return {
        hit["_id"]: min(map(float, hit["fields"][field]))
        for hit in found["hits"]["hits"]
        if "fields" in hit
    }


def _check_number(client: Elasticsearch, index: str, field: str) -> None:
    types = client.field_caps(index=index, fields=field)["fields"].get(field, {})
    if not types or not types.keys() <= _NUMBERS:
        raise EvaluationError(
            f"the index has no number field {field!r}",
            place="--revenue",
            remedy="name the field of the product with its price or margin",
        )
