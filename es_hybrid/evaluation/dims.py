"""The dims lab: the quality that fewer dims and quantised vectors cost, and the memory they save.

The lab uses the vectors of an existing index. For each number of dims it truncates them and
normalizes them to length 1, which Matryoshka models are trained for (Kusupati et al. 2022,
arXiv:2205.13147), and writes them into a scratch index per index type. `flat` compares a query with
every vector: it is the exact search that serves as the reference.
"""

from __future__ import annotations

import contextlib
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from elasticsearch import Elasticsearch
from elasticsearch.helpers import BulkIndexError, bulk
from numpy.typing import NDArray

from es_hybrid.embedding.validation import UntrustedAnswer, unit_vectors
from es_hybrid.errors import EvaluationError
from es_hybrid.evaluation.judgements import Qrels, Query
from es_hybrid.evaluation.measures import mean, measure
from es_hybrid.evaluation.vectors import VectorSample
from es_hybrid.index.body import vector_mapping
from es_hybrid.index.cost import vector_cost
from es_hybrid.index.document import numbers_of, write_vector
from es_hybrid.settings import IndexSettings, Similarity, VectorIndexType

# Prefix of scratch indices; `DELETE es-hybrid-dims-*` removes those of a killed run.
SCRATCH_PREFIX = "es-hybrid-dims-"
EXACT: VectorIndexType = "flat"
# Hits per search; enough for recall@100.
DEPTH = 100
_FIELD = "vector"
# Differences in nDCG@10 up to this count as equal.
TOLERANCE = 0.01
# Merging a large graph to one segment takes minutes.
_MERGE_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class DimsResult:
    """Measurements of one number of dims with one index type.

    Attributes:
        ndcg: nDCG@10, mean over the queries.
        recall_10, recall_100: Share of the hits of exact search with the same dims that are found.
        kept: Share of the first ten hits of exact search with full dims among the first ten here.
        p50_ms, p95_ms: Milliseconds per search, measured by the client.
        memory_bytes: Page cache for search at full speed, by formula; None if the type is read
            from disk.
        disk_bytes: Bytes on disk, by formula.
        index_bytes: Measured size of the scratch index.
    """

    dims: int
    vector_type: VectorIndexType
    ndcg: float
    recall_10: float
    recall_100: float
    kept: float
    p50_ms: float
    p95_ms: float
    memory_bytes: int | None
    disk_bytes: int
    index_bytes: int


class _Trial(NamedTuple):
    """Measurements of one scratch index; `found` has the ids for each query, best first."""

    found: list[list[str]]
    milliseconds: list[float]
    index_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DimsLab:
    """The data shared by all trials.

    Attributes:
        queries: Queries judged in `qrels`.
        query_vectors: `[queries, dims]` float32, with the dims of the sample's vectors.
        num_candidates: Neighbours considered per shard.
        packs_vectors: The cluster accepts vectors as base64.
    """

    client: Elasticsearch
    sample: VectorSample
    queries: Sequence[Query]
    query_vectors: NDArray[np.float32]
    qrels: Qrels
    similarity: Similarity
    num_candidates: int
    packs_vectors: bool

    def run(
        self,
        dims: Sequence[int],
        types: Sequence[VectorIndexType],
        *,
        done: Callable[[], None] = lambda: None,
    ) -> list[DimsResult]:
        """Measure every type, and exact search, at each number of dims.

        Args:
            dims: Numbers of dims; the largest is the reference for the others.
            types: Index types in addition to `EXACT`.
            done: Called after each of the `len(dims) * (len(types) + 1)` trials.

        Raises:
            EvaluationError: vectors cannot be truncated, or the cluster rejects them.
        """
        results = []
        full: list[list[str]] = []
        for size in sorted(dims, reverse=True):
            exact: list[list[str]] = []
            for vector_type in (EXACT, *types):
                trial = self._trial(size, vector_type)
                exact, full = exact or trial.found, full or trial.found
                results.append(self._result(size, vector_type, trial, exact=exact, full=full))
                done()
        return results

    def _trial(self, dims: int, vector_type: VectorIndexType) -> _Trial:
        settings = IndexSettings(similarity=self.similarity, vector_type=vector_type)
        vectors, asked = _truncated(self.sample.vectors, dims), _truncated(self.query_vectors, dims)
        with _scratch_index(self.client, vector_mapping(settings, dims=dims)) as index:
            self._fill(index, vectors)
            # The first pass warms up the page cache and the JVM.
            found = [self._search(index, vector)[0] for vector in asked]
            spent = [self._search(index, vector)[1] for vector in asked]
            stats = self.client.indices.stats(index=index, metric="store")
        return _Trial(found, spent, stats["_all"]["primaries"]["store"]["size_in_bytes"])

    def _fill(self, index: str, vectors: NDArray[np.float32]) -> None:
        """Write the vectors and merge to one segment, so that every trial searches one graph."""
        actions = (
            {"_id": id_, "_source": {_FIELD: write_vector(vector, packed=self.packs_vectors)}}
            for id_, vector in zip(self.sample.ids, vectors, strict=True)
        )
        try:
            bulk(self.client, actions, index=index, max_retries=5)
        except BulkIndexError as error:
            raise EvaluationError(
                f"Elasticsearch rejects vectors: {error.errors[0]}", place=f"index {index}"
            ) from None
        patient = self.client.options(request_timeout=_MERGE_SECONDS)
        patient.indices.forcemerge(index=index, max_num_segments=1)
        patient.indices.refresh(index=index)

    def _search(self, index: str, vector: NDArray[np.float32]) -> tuple[list[str], float]:
        """The ids of the nearest neighbours, and the milliseconds spent."""
        knn = {
            "field": _FIELD,
            "query_vector": numbers_of(vector),
            "k": DEPTH,
            "num_candidates": self.num_candidates,
        }
        started = time.perf_counter()
        answer = self.client.search(
            index=index, knn=knn, size=DEPTH, source=False, filter_path="hits.hits._id"
        )
        spent = (time.perf_counter() - started) * 1000
        return [hit["_id"] for hit in answer.get("hits", {}).get("hits", [])], spent

    def _result(
        self,
        dims: int,
        vector_type: VectorIndexType,
        trial: _Trial,
        *,
        exact: Sequence[Sequence[str]],
        full: Sequence[Sequence[str]],
    ) -> DimsResult:
        run = {
            query.id: {id_: 1 / rank for rank, id_ in enumerate(ids, start=1)}
            for query, ids in zip(self.queries, trial.found, strict=True)
        }
        cost = vector_cost(vector_type, documents=len(self.sample.ids), dims=dims)
        p50, p95 = np.percentile(trial.milliseconds, [50, 95])
        return DimsResult(
            dims=dims,
            vector_type=vector_type,
            ndcg=mean(measure(run, self.qrels)["nDCG@10"]),
            recall_10=recall(trial.found, exact, depth=10),
            recall_100=recall(trial.found, exact, depth=DEPTH),
            kept=recall(trial.found, full, depth=10),
            p50_ms=float(p50),
            p95_ms=float(p95),
            memory_bytes=cost.memory,
            disk_bytes=cost.disk,
            index_bytes=trial.index_bytes,
        )


def recall(found: Sequence[Sequence[str]], wanted: Sequence[Sequence[str]], *, depth: int) -> float:
    """Share of the first `depth` wanted items among the first `depth` found, in [0, 1]."""
    shares = [
        len({*ids[:depth]} & {*best[:depth]}) / len(best[:depth])
        for ids, best in zip(found, wanted, strict=True)
        if best
    ]
    return sum(shares) / len(shares) if shares else 0.0


def choose(results: Sequence[DimsResult]) -> DimsResult:
    """The result with the least memory whose nDCG@10 is within `TOLERANCE` of the best.

    Exact search does not count as the best: more candidates recover what the graph loses.
    """
    types = [result for result in results if result.vector_type != EXACT]
    enough = max(result.ndcg for result in types) - TOLERANCE
    sound = [result for result in types if result.ndcg >= enough]
    return min(sound, key=lambda result: (result.memory_bytes or 0, -result.ndcg))


@contextlib.contextmanager
def _scratch_index(client: Elasticsearch, field: Mapping[str, Any]) -> Iterator[str]:
    """Create an index with one vector field and delete it after the block."""
    name = SCRATCH_PREFIX + uuid.uuid4().hex[:12]
    client.indices.create(
        index=name,
        settings={"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "-1"},
        mappings={
            "dynamic": False,
            "_source": {"enabled": False},
            "properties": {_FIELD: field},
        },
    )
    try:
        yield name
    finally:
        client.indices.delete(index=name)


def _truncated(vectors: NDArray[np.float32], dims: int) -> NDArray[np.float32]:
    try:
        return unit_vectors(vectors, dims=dims)
    except UntrustedAnswer as problem:
        raise EvaluationError(
            f"{problem} after truncation", place=f"{dims} dims", remedy="try more dims"
        ) from None
