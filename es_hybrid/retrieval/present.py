"""What was retrieved, in a shop's terms."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from es_hybrid.index.document import product_of
from es_hybrid.retrieval.compile.facets import GROUPS, facet_counts, group_count
from es_hybrid.retrieval.request import MAX_QUERY_CHARS, MAX_WINDOW, SearchRequest
from es_hybrid.retrieval.response import Hit, SearchResponse
from es_hybrid.retrieval.retrieved import Retrieved

# Whose score a hit has: that of the last stage that ranked it.
_DECIDING = ("rerank", "rrf", "bm25", "knn")


def present(
    request: SearchRequest, retrieved: Retrieved, timings: Mapping[str, float]
) -> SearchResponse:
    """One page as the shop gets it."""
    aggregations = retrieved.answer.get("aggregations", {})
    total = retrieved.total or 0
    groups = group_count(aggregations[GROUPS]) if request.collapse else None
    return SearchResponse(
        hits=[
            _hit(request, hit, retrieved, request.first + place)
            for place, hit in enumerate(retrieved.hits, 1)
        ],
        total=total,
        groups=groups,
        pages=min(
            math.ceil((total if groups is None else groups) / request.size),
            MAX_WINDOW // request.size,
        ),
        facets=facet_counts(request.facets, aggregations),
        timings=timings,
        degraded=(*_cut(request), *retrieved.degraded, *_incomplete(retrieved.answer)),
        notes=retrieved.notes,
        reranked=retrieved.reranked,
    )


def _cut(request: SearchRequest) -> Iterator[str]:
    if request.is_cut:
        yield f"query: only its first {MAX_QUERY_CHARS} characters were used"


def _incomplete(answer: Mapping[str, Any]) -> Iterator[str]:
    """What Elasticsearch left out though it answered."""
    if answer["timed_out"]:
        yield "elasticsearch: ran out of time before everything was searched"
    if failed := answer["_shards"]["failed"]:
        yield f"elasticsearch: {failed} of {answer['_shards']['total']} shards failed"


def _hit(request: SearchRequest, hit: Mapping[str, Any], retrieved: Retrieved, rank: int) -> Hit:
    stages = retrieved.stages_of(hit)
    told = {
        stage: place
        for stage, place in stages.items()
        if stage != "pinned" or hit["_id"] in request.pinned
    }
    deciding = next((stages[stage] for stage in _DECIDING if stage in stages), None)
    group = hit.get("fields", {}).get(request.collapse, [None])
    return Hit(
        id=hit["_id"],
        rank=rank,
        score=hit["_score"] if deciding is None else deciding.score,
        source=hit["_source"],
        product=product_of(retrieved.passport, hit["_id"], hit["_source"]),
        stages=told,
        highlight=hit.get("highlight", {}),
        explanation=hit.get("_explanation"),
        group=group[0],
    )
