"""The nearest neighbours that an index finds, compared with exact search over its own vectors.

A graph of neighbours (HNSW) and quantised vectors trade recall for speed, and more so under
filters: few of the candidates pass. Exact search reads every vector once and compares it with all
queries, in bounded memory; a script that scores would need scripts to be allowed.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from elasticsearch import Elasticsearch
from numpy.typing import NDArray

from es_hybrid.errors import EvaluationError
from es_hybrid.index.document import numbers_of, read_vector
from es_hybrid.index.pages import read_hits
from es_hybrid.index.shop_fields import value_at
from es_hybrid.retrieval.nodes import Clause

# The first hits, whose recall decides.
TOP = 10
# Recall up to this below the best one counts as equal. What quantised vectors lose, no number of
# candidates brings back.
TOLERANCE = 0.005
NUM_CANDIDATES = (100, 200, 500, 1000, 2000, 10_000)
# Shares of the products that the filters should keep.
_SHARES = (0.5, 0.1, 0.01, 0.001)
_FIELDS, _VALUES = 20, 1000
# A vector with 4,096 dims is about 50 kB of JSON.
_PAGE = 200
# Vectors whose scores differ by less count as equally near.
_EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class SampledFilter:
    """A filter, and the share of the products that pass it, in (0, 1].

    Attributes:
        name: `field=value`, or empty: every product.
    """

    name: str
    share: float
    clause: Clause


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourRecall:
    """How one number of candidates does under one filter.

    Attributes:
        recall_top: Share of the `TOP` exact neighbours that are found, mean over the queries.
        recall: The same for the first k.
        p50_ms, p95_ms: Milliseconds per search, measured by the client.
    """

    filter_name: str
    share: float
    num_candidates: int
    recall_top: float
    recall: float
    p50_ms: float
    p95_ms: float


@dataclass(frozen=True, slots=True, kw_only=True)
class NeighbourCheck:
    """What is checked.

    Attributes:
        query_vectors: `[queries, dims]` float32, length 1.
        k: Number of neighbours, as a search asks for.
    """

    client: Elasticsearch
    index: str
    vector_field: str
    query_vectors: NDArray[np.float32]
    k: int

    def run(
        self,
        num_candidates: Sequence[int],
        filters: Sequence[SampledFilter],
        *,
        done: Callable[[], None] = lambda: None,
    ) -> list[NeighbourRecall]:
        """Measure every number of candidates under every filter.

        Args:
            done: Called once after the exact search, then after each measurement.

        Raises:
            EvaluationError: no document has a vector, or `_source` omits the vectors.
            PointInTimeLost: as in `read_hits`.
        """
        exact = self._exact(filters)
        done()
        results = []
        for each in filters:
            for number in num_candidates:
                results.append(self._measured(each, number, exact[each.name]))
                done()
        return results

    def _measured(
        self, each: SampledFilter, number: int, exact: Sequence[Mapping[str, float]]
    ) -> NeighbourRecall:
        found, spent = [], []
        # The first pass warms up the page cache and the JVM.
        for vector in self.query_vectors:
            self._search(vector, each, number)
        for vector in self.query_vectors:
            started = time.perf_counter()
            found.append(self._search(vector, each, number))
            spent.append((time.perf_counter() - started) * 1000)
        p50, p95 = np.percentile(spent, [50, 95])
        return NeighbourRecall(
            filter_name=each.name,
            share=each.share,
            num_candidates=number,
            recall_top=_mean_recall(found, exact, TOP),
            recall=_mean_recall(found, exact, self.k),
            p50_ms=float(p50),
            p95_ms=float(p95),
        )

    def _search(self, vector: NDArray[np.float32], each: SampledFilter, number: int) -> list[str]:
        knn: dict[str, Any] = {
            "field": self.vector_field,
            "query_vector": numbers_of(vector),
            "k": self.k,
            "num_candidates": number,
        }
        if each.name:
            knn["filter"] = each.clause
        answer = self.client.search(
            index=self.index, knn=knn, size=self.k, source=False, filter_path="hits.hits._id"
        )
        return [hit["_id"] for hit in answer.get("hits", {}).get("hits", [])]

    def _exact(self, filters: Sequence[SampledFilter]) -> dict[str, list[dict[str, float]]]:
        """For each filter and query, the nearest documents with their scores, ties included."""
        nearest = {each.name: _Nearest(len(self.query_vectors), 2 * self.k) for each in filters}
        for hits in self._pages(filters):
            vectors = [value_at(hit["_source"], self.vector_field) for hit in hits]
            if any(vector is None for vector in vectors):
                raise EvaluationError(
                    "`_source` omits the vectors",
                    place=f"index {self.index}, field {self.vector_field}",
                    remedy="include the field in the mapping's `_source`",
                )
            scores = np.stack([read_vector(vector) for vector in vectors]) @ self.query_vectors.T
            ids = np.array([hit["_id"] for hit in hits], dtype=object)
            for each in filters:
                passed = [each.name in hit.get("matched_queries", ()) for hit in hits]
                nearest[each.name].add(ids[passed], scores[passed])
        return {name: found.by_query() for name, found in nearest.items()}

    def _pages(self, filters: Sequence[SampledFilter]) -> Iterator[list[dict[str, Any]]]:
        named = [
            {"constant_score": {"filter": each.clause, "_name": each.name}} for each in filters
        ]
        hits = read_hits(
            self.client,
            self.index,
            size=_PAGE,
            query={"bool": {"filter": [{"exists": {"field": self.vector_field}}], "should": named}},
            # By name, because from 9.2 on `_source` omits vectors otherwise.
            source_includes=[self.vector_field],
        )
        page: list[dict[str, Any]] = []
        for hit in hits:
            page.append(hit)
            if len(page) == _PAGE:
                yield page
                page = []
        if page:
            yield page


class _Nearest:
    """The nearest documents of each query among those seen so far."""

    def __init__(self, queries: int, most: int) -> None:
        self._most = most
        self._ids = np.empty((0, queries), dtype=object)
        self._scores = np.empty((0, queries), dtype=np.float32)

    def add(self, ids: NDArray[Any], scores: NDArray[np.float32]) -> None:
        """See more documents: ids `[n]`, scores `[n, queries]`."""
        repeated = np.repeat(ids[:, None], self._ids.shape[1], axis=1)
        all_ids = np.concatenate([self._ids, repeated])
        all_scores = np.concatenate([self._scores, scores])
        order = np.argsort(-all_scores, axis=0, kind="stable")[: self._most]
        self._ids = np.take_along_axis(all_ids, order, axis=0)
        self._scores = np.take_along_axis(all_scores, order, axis=0)

    def by_query(self) -> list[dict[str, float]]:
        """Id -> score for each query, nearest first."""
        return [
            dict(zip(ids, scores.tolist(), strict=True))
            for ids, scores in zip(self._ids.T, self._scores.T, strict=True)
        ]


def sampled_filters(client: Elasticsearch, index: str) -> list[SampledFilter]:
    """No filter, and values of keyword fields that keep about each of `_SHARES` of the products."""
    answer = client.field_caps(index=index, fields="*", types=["keyword"])
    fields = [
        name
        for name, kinds in sorted(answer["fields"].items())
        if all(kind["aggregatable"] and not kind["metadata_field"] for kind in kinds.values())
    ]
    total = int(client.count(index=index)["count"])
    every = SampledFilter("", 1.0, {"match_all": {}})
    if not fields or not total:
        return [every]
    aggs = {name: {"terms": {"field": name, "size": _VALUES}} for name in fields[:_FIELDS]}
    counted = client.search(index=index, size=0, aggs=aggs)["aggregations"]
    found = {
        (name, bucket["key"]): bucket["doc_count"] / total
        for name, counts in counted.items()
        for bucket in counts["buckets"]
        if TOP <= bucket["doc_count"] < total
    }
    chosen: dict[tuple[str, str], float] = {}
    for wanted in _SHARES:
        if left := [key for key in found if key not in chosen]:
            key = min(left, key=lambda key: abs(math.log(found[key] / wanted)))
            chosen[key] = found[key]
    return [
        every,
        *(
            SampledFilter(f"{field}={value}", share, {"term": {field: value}})
            for (field, value), share in chosen.items()
        ),
    ]


def recommended(results: Sequence[NeighbourRecall]) -> int:
    """The least number of candidates whose recall of the first hits is nearly the best one.

    It is so under every filter.
    """
    best = best_recall(results)
    short = {
        each.num_candidates
        for each in results
        if each.recall_top < best[each.filter_name] - TOLERANCE
    }
    return min({each.num_candidates for each in results} - short)


def best_recall(results: Sequence[NeighbourRecall]) -> dict[str, float]:
    """Name of each filter -> best recall of the first hits with any number of candidates."""
    best: dict[str, float] = {}
    for each in results:
        best[each.filter_name] = max(best.get(each.filter_name, 0.0), each.recall_top)
    return best


def _mean_recall(
    found: Sequence[Sequence[str]], exact: Sequence[Mapping[str, float]], k: int
) -> float:
    shares = [_recall(ids[:k], best, k) for ids, best in zip(found, exact, strict=True) if best]
    return sum(shares) / len(shares) if shares else 1.0


def _recall(ids: Sequence[str], exact: Mapping[str, float], k: int) -> float:
    """Share of the k nearest that are found; another one that is as near counts as well."""
    scores = list(exact.values())[:k]
    least = scores[-1] - _EPSILON
    return sum(exact.get(id_, -math.inf) >= least for id_ in ids) / len(scores)
